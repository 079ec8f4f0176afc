import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIAL_CHANNEL } from '../../src/auth/credential-notice.js';
import type { Principal } from '../../src/auth/principal.js';
import { type FanOut, openFanOut } from '../../src/events/fan-out.js';
import { type Listening, openListening } from '../../src/request.js';
import { type Harness, startHarness } from '../support/harness.js';

const types = ['effect.queued'] as const;

let harness: Harness;
let fanOut: FanOut;
let listening: Listening;
beforeAll(async () => {
  harness = await startHarness({ works: false });
  fanOut = await openFanOut(harness.database);
  listening = await openListening({ database: harness.database, fanOut });
});
afterAll(async () => {
  await listening?.close();
  await fanOut?.close();
  await harness?.stop();
});

async function keyPrincipal(): Promise<Principal> {
  const { id } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
  const { organizationId, workspaceId } = harness.place;
  const known = { kind: 'ACCOUNT_KEY', id, apiKeyId: id, organizationId, workspaceId, agentId: null } as const;
  return { ...known, verdictKey: 'contacts:read' } as unknown as Principal;
}

const notify = (id: string) => harness.database.executeAsOwner(`SELECT pg_notify('${CREDENTIAL_CHANNEL}', $1)`, [id]);

describe('listening', () => {
  it('leaves nothing behind when the listener goes before it ever waited', async () => {
    const iterator = listening.listen(await keyPrincipal(), types)[Symbol.asyncIterator]();
    expect(fanOut.subscriberCount).toBe(1);
    await iterator.return?.();
    expect(fanOut.subscriberCount).toBe(0);
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  it('leaves nothing behind when the listener goes while it waits', async () => {
    const iterator = listening.listen(await keyPrincipal(), types)[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toMatchObject({ done: true });
    expect(fanOut.subscriberCount).toBe(0);
  });

  it('ends with its key, also when that is revoked before the listener first waits', async () => {
    const principal = await keyPrincipal();
    const iterator = listening.listen(principal, types)[Symbol.asyncIterator]();
    await notify(principal.id);
    for (let tries = 0; tries < 100 && fanOut.subscriberCount > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(fanOut.subscriberCount).toBe(0);
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  it('ends at once for a key that was revoked between the door and the stream', async () => {
    const principal = await keyPrincipal();
    await harness.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId: principal.workspaceId, id: principal.id } },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    const iterator = listening.listen(principal, types)[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ done: true });
    expect(fanOut.subscriberCount).toBe(0);
  });
});
