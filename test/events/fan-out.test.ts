import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsIn } from '../../src/events/emit.js';
import { type EventNotice, type FanOut, openFanOut } from '../../src/events/fan-out.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

const organizationId = newId('org');
const [workspaceId, otherId] = [newId('wsp'), newId('wsp')];
let database: TestDatabase;
let fanOut: FanOut;

beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id: organizationId, name: 'Acme' } });
  await database.owner.workspace.createMany({
    data: [workspaceId, otherId].map((id) => ({ id, organizationId, name: id })),
  });
  fanOut = await openFanOut(database);
});
afterAll(async () => {
  await fanOut.close();
  await database.close();
});

const emit = (subjectId: string, where = workspaceId) =>
  inTenant(database, { organizationId, workspaceId: where, agentId: null }, (db) =>
    eventsIn(db).emit('contact.created', subjectId, {}),
  );
const next = async (events: AsyncIterator<EventNotice>) => {
  const { value } = await events.next();
  return value?.subjectId;
};

describe('events', () => {
  it('reach whoever asked for them, of their workspace only, after the commit', async () => {
    const all = fanOut.subscribe({ workspaceId });
    const one = fanOut.subscribe({ workspaceId, subjectId: 'ctc_2', types: ['contact.created'] });
    const otherKind = fanOut.subscribe({ workspaceId, types: ['agent.created'] });
    await emit('ctc_foreign', otherId);
    const broken = inTenant(database, { organizationId, workspaceId, agentId: null }, async (db) => {
      await eventsIn(db).emit('contact.created', 'ctc_rolled_back', {});
      throw new Error('a defect');
    });
    await expect(broken).rejects.toThrow('a defect');
    await emit('ctc_1');
    await emit('ctc_2');
    expect([await next(all), await next(all)]).toEqual(['ctc_1', 'ctc_2']);
    expect(await next(one)).toBe('ctc_2');
    const waiting = otherKind.next();
    await otherKind.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await all.return?.();
    await one.return?.();
    expect(fanOut.subscriberCount).toBe(0);
    expect(await database.owner.event.count({ where: { workspaceId } })).toBe(2);
  });

  it('let go of a subscriber that does not keep up, and tell it so', async () => {
    let tell: (payload: string) => void = () => {};
    const flood = await openFanOut({
      listen: async (_, onPayload) => {
        tell = onPayload;
        return async () => {};
      },
    });
    const slow = flood.subscribe({ workspaceId });
    const notice = { workspaceId, id: 'evt_1', type: 'contact.created', subjectId: 'ctc_1' };
    for (let n = 0; n < 300; n++) tell(JSON.stringify(notice));
    tell('not JSON');
    expect(flood.subscriberCount).toBe(0);
    for (let n = 0; n < 256; n++) expect(await next(slow)).toBe('ctc_1');
    await expect(slow.next()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(await slow.next()).toEqual({ done: true, value: undefined });
  });

  it('end for everybody when the process stops', async () => {
    const closing = await openFanOut(database);
    const waiting = closing.subscribe({ workspaceId }).next();
    await closing.close();
    expect((await waiting).done).toBe(true);
  });
});
