// One transaction per mutation: rows, audit entry, events and jobs stand or fall together. Generated for every mutation:
// made to fail as late as can be, when it commits, it leaves nothing; and made to throw after its last write, nothing.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { schema } from '../../src/schema.js';
import { operationsOf, sentWith, textOf } from '../support/generate/operations.js';
import { endsItself, endsWorkspace, variablesFor } from '../support/generate/samples.js';
import { say } from '../support/generate/speak.js';
import { type Caller, type Stage, setStage } from '../support/generate/stage.js';
import { changed, type Snapshot, snapshotOf } from '../support/snapshot.js';

const late = vi.hoisted(() => ({ isOn: false, thrown: 0 }));
vi.mock('../../src/events/emit.js', async (original) => {
  const real = await original<typeof import('../../src/events/emit.js')>();
  const eventsIn: typeof real.eventsIn = (db, told) => ({
    async emit(...args) {
      await real.eventsIn(db, told).emit(...args);
      if (!late.isOn) return;
      late.thrown += 1;
      throw new Error('thrown after the audit entry and the event');
    },
  });
  return { ...real, eventsIn };
});

const mutations = operationsOf(schema).operations.filter(
  ({ root, steps }) => root === 'mutation' && steps.length === 1,
);

describe.each(mutations.map((one) => [one.coordinate, one] as const))('%s', (_coordinate, mutation) => {
  const text = textOf(mutation);

  it('leaves nothing when its transaction cannot commit', async () => {
    const asking = await someone();
    const variables = await variablesOf();
    const [served, after] = await attempt(asking, variables, () => refuseCommits(true));
    expect(
      served.errors.map(({ extensions }) => extensions.code),
      served.text,
    ).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(after, served.text).toEqual([]);
    // The same again, when nothing is in its way: what failed above would have been written.
    await refuseCommits(false);
    const before = await snapshot(asking);
    const again = await say(asking.client, text, variables);
    expect(again.errors, again.text).toEqual([]);
    expect(changed(before, await snapshot(asking))).toContain('audit_entry');
  });

  it('leaves nothing when it throws after its last write', async () => {
    const thrown = late.thrown;
    const [served, after] = await attempt(await someone(), await variablesOf(), async () => {
      late.isOn = true;
    });
    late.isOn = false;
    // Not every mutation emits an event; those that do have failed by it.
    if (late.thrown > thrown) {
      expect(
        served.errors.map(({ extensions }) => extensions.code),
        served.text,
      ).toEqual(['INTERNAL_SERVER_ERROR']);
      expect(after, served.text).toEqual([]);
    } else expect(served.errors, served.text).toEqual([]);
  });

  /** Where asking takes something from whoever asks, somebody who is nobody else's caller. */
  const someone = () => {
    if (endsWorkspace(mutation)) return stage.apart(caller);
    if (endsItself(mutation)) return stage.newKey('ACCOUNT', ['contacts:read']);
    const isGivenAway = mutation.coordinate === 'Mutation.transferOwnership';
    return isGivenAway ? stage.person('OWNER', stage.ours, newId('usr')) : Promise.resolve(caller);
  };
  const variablesOf = () =>
    variablesFor(sentWith(mutation), null, {
      owner: stage.harness.database.owner,
      site: stage.ours,
      asker: caller.asker,
    });
  const attempt = async (asking: Caller, variables: object, hinder: () => Promise<void>) => {
    const before = await snapshot(asking);
    await hinder();
    const served = await say(asking.client, text, variables);
    return [served, changed(before, await snapshot(asking))] as const;
  };
});

let stage: Stage;
let caller: Caller;
beforeAll(async () => {
  stage = await setStage();
  caller = await stage.person('OWNER');
  await stage.harness.database.executeAsOwner(`
    CREATE FUNCTION refuse_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
    CREATE CONSTRAINT TRIGGER refuse_commit AFTER INSERT ON audit_entry DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION refuse_commit();
    ALTER TABLE audit_entry DISABLE TRIGGER refuse_commit`);
});
afterAll(() => stage?.harness.stop());

const refuseCommits = async (isOn: boolean): Promise<void> => {
  const change = isOn ? 'ENABLE' : 'DISABLE';
  await stage.harness.database.executeAsOwner(`ALTER TABLE audit_entry ${change} TRIGGER refuse_commit`);
};
const snapshot = ({ client }: Caller): Promise<Snapshot> => {
  const workspaceId = client.headers['x-workspace-id'] ?? stage.ours.workspaceId;
  return snapshotOf(stage.harness.database, { ...stage.ours, workspaceId });
};

it('mutations that emit events were among them', () => {
  expect(late.thrown).toBeGreaterThan(5);
});

it('a refusal after the first rows leaves none of them', async () => {
  const { owner } = stage.harness.database;
  const { workspaceId, rows } = stage.ours;
  await owner.creditAccount.update({ where: { workspaceId }, data: { balanceCredits: 0, reservedCredits: 0 } });
  const before = await snapshot(caller);
  const text = `mutation ($contactId: ID!, $inboxId: ID!) {
    sendMessage(input: { contactId: $contactId, inboxId: $inboxId, body: "Hello" }) { status }
  }`;
  const refused = await caller.client.refused(text, { contactId: rows.Contact, inboxId: rows.Inbox });
  expect(refused.extensions.code).toBe('INSUFFICIENT_CREDITS');
  expect(changed(before, await snapshot(caller))).toEqual([]);
});

it('each root field is a transaction of its own: what was done before a refusal stays', async () => {
  const { data, errors } = await caller.client.ask<{ first: object | null; second: object | null }>(`mutation {
    first: createContact(input: { name: "Stays" }) { contact { id } }
    second: createContact(input: { name: "Goes", email: "no address" }) { contact { id } }
  }`);
  expect(errors.map(({ path }) => path)).toEqual([['second']]);
  expect(data).toMatchObject({ first: { contact: {} }, second: null });
  const { owner } = stage.harness.database;
  expect(await owner.contact.count({ where: { name: { in: ['Stays', 'Goes'] } } })).toBe(1);
});
