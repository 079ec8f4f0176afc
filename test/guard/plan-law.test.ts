// The law of plans, generated for every mutation of the schema: after a plan the database is what it was, byte by byte, but
// for usage; performing the plan changes and asks for what was planned, and for nothing else; and explainAccess has told the
// rule and the price without running anything.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { printSdl } from '../../src/graphql/print.js';
import { newId } from '../../src/platform/ids.js';
import { schema } from '../../src/schema.js';
import { readSdl } from '../support/generate/access.js';
import { demandsOf, everythingFor, leastFor } from '../support/generate/demands.js';
import { mayRead } from '../support/generate/isolation.js';
import { type Operation, operationsOf, sentWith, textOf } from '../support/generate/operations.js';
import { typeOf, wholeTail } from '../support/generate/places.js';
import { endsItself, endsWorkspace, variablesFor } from '../support/generate/samples.js';
import { type Caller, type Stage, setStage } from '../support/generate/stage.js';
import { changed, idsIn, wholeSnapshot } from '../support/snapshot.js';

// Seconds on a machine of one's own, more on a busy one.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const declared = readSdl(printSdl(schema));
const mutations = operationsOf(schema).operations.filter(
  ({ root, steps, coordinate }) => root === 'mutation' && steps.length === 1 && coordinate !== 'Mutation.performPlan',
);
/** Mutations that take up what was approved take an effect in their input besides. */
const taking = mutations.filter(({ steps }) =>
  steps[0]?.field.args.some(({ type }) => String(type).match(/(Create|Rotate)ApiKeyInput/)),
);
const byKey = mutations.filter(
  (mutation) =>
    mutation.coordinate !== 'Mutation.confirmEffect' && leastFor(demandsOf(mutation, declared), 'ACCOUNT').length > 0,
);

/** It asks anew in the name of another, which the mutation itself does not say. */
const asksForAnother = new Set(['Mutation.amendEffect']);

const PLAN = `query ($document: String!, $variables: JSON) {
  explainAccess(document: $document, variables: $variables) { allowed approval price }
  planOperation(document: $document, variables: $variables) {
    planId price rule { requirement } changes { ...Told } effects { kind status price isSandbox payload rule { id version requirement } }
  }
}
fragment Told on PlannedChange { action outcome subjectId isNew fields costCredits details }`;
const PERFORM = `mutation ($planId: String!) {
  performPlan(input: { planId: $planId }) {
    data changes { ...Told } effects { id kind status price isSandbox payload rule { id version requirement } }
  }
}
fragment Told on PlannedChange { action outcome subjectId isNew fields costCredits details }`;

interface Change {
  readonly action: string;
  readonly outcome: string;
}
interface Planned extends Told {
  readonly planId: string;
  readonly price: number;
  readonly rule: { readonly requirement: string } | null;
}
type Told = { readonly changes: readonly Change[]; readonly effects: readonly ({ id?: string } & object)[] };

let stage: Stage;
let owner: Caller;
let key: Caller;
const seen = { held: 0, effects: 0, secrets: 0, inOne: 0 };
beforeAll(async () => {
  stage = await setStage();
  owner = await stage.person('OWNER');
  key = await stage.key('ACCOUNT', everythingFor('ACCOUNT'));
});
afterAll(() => stage?.harness.stop());

/** What one mutation has paused must not hold up those that come after. */
const resumeAll = () =>
  stage.harness.database.owner.effectPause.deleteMany({
    where: { workspaceId: stage.ours.workspaceId, id: { not: stage.ours.rows.EffectPause } },
  });

describe.each([
  ...mutations.map((one) => [`${one.coordinate} by a person`, one, 'person', null] as const),
  ...taking.map((one) => [`${one.coordinate}, taking up what was approved`, one, 'person', 'effectId'] as const),
  ...byKey.map((one) => [`${one.coordinate} by a key`, one, 'key', null] as const),
])('%s', (_name, mutation, by, inputField) => {
  it('is planned without a trace, and performed as planned', async () => {
    const { database } = stage.harness;
    await resumeAll();
    const asking = await askerOf(mutation, by);
    const making = { owner: database.owner, site: stage.ours, asker: asking.asker };
    const variables = await variablesFor(sentWith(mutation), null, making, inputField);
    const before = await wholeSnapshot(database);
    const known = idsIn(before);

    const planned = await asking.client.ask<{ planOperation: Planned; explainAccess: object }>(PLAN, {
      document: textOf(mutation, [], tailFor(mutation, asking)),
      variables,
    });
    expect(planned.errors, planned.text).toEqual([]);
    expect(changed(before, await wholeSnapshot(database)), planned.text).toEqual([]);
    expect(planned.text).not.toMatch(/sp_(acct|agt)_[0-9A-Za-z]{38}/);

    const plan = planned.data?.planOperation as Planned;
    const { planId, price, rule } = plan;
    const foretold = { allowed: true, approval: rule?.requirement ?? 'NONE', price };
    if (!asksForAnother.has(mutation.coordinate)) expect(planned.data?.explainAccess, planned.text).toEqual(foretold);
    const performed = await asking.client.ask<{ performPlan: Told }>(PERFORM, { planId });
    expect(performed.errors, performed.text).toEqual([]);
    const done = performed.data?.performPlan as Told;
    expect(done.changes.length, performed.text).toBeGreaterThan(0);
    expect(done.changes).toEqual(plan.changes);
    expect(comparable(done.effects, known)).toEqual(comparable(plan.effects, known));
    expect(changed(before, await wholeSnapshot(database))).toContain('public.audit_entry');

    // What it says it did is what the trail says, beside the plan's own entry.
    const requestId = performed.headers.get('x-request-id') ?? '';
    const trail = await database.owner.auditEntry.findMany({
      where: { requestId, workspaceId: workspaceOf(asking), action: { not: 'plan.perform' } },
      orderBy: { id: 'asc' },
    });
    expect(trail.map(({ action, outcome }) => ({ action, outcome }))).toEqual(
      done.changes.map(({ action, outcome }) => ({ action, outcome })),
    );
    seen.held += done.changes.filter(({ outcome }) => outcome === 'HELD').length;
    seen.effects += done.effects.length;
    if (/sp_(acct|agt)_[0-9A-Za-z]{38}/.test(performed.text)) seen.secrets += 1;
  });
});

it('what is held, what leaves and what shows a secret were among them', () => {
  expect(seen.held).toBeGreaterThan(2);
  expect(seen.effects).toBeGreaterThan(3);
  expect(seen.secrets).toBe(4);
});

/** Where asking takes something from whoever asks, somebody who is nobody else's caller. */
function askerOf(mutation: Operation, by: 'person' | 'key'): Promise<Caller> {
  if (endsItself(mutation)) return stage.newKey('ACCOUNT', ['contacts:read']);
  if (by === 'key') return Promise.resolve(key);
  if (endsWorkspace(mutation)) return stage.apart(owner);
  const isGivenAway = mutation.coordinate === 'Mutation.transferOwnership';
  return isGivenAway ? stage.person('OWNER', stage.ours, newId('usr')) : Promise.resolve(owner);
}

/** All that the caller may see of the answer: what is read inside the transaction. */
const tailFor = (mutation: Operation, caller: Caller): string =>
  endsItself(mutation) ? mutation.tail : wholeTail(typeOf(mutation), (coordinate) => mayRead(coordinate, caller));

const workspaceOf = ({ client }: Caller): string => client.headers['x-workspace-id'] ?? stage.ours.workspaceId;

/** Ids that come to be differ, by nature. */
function comparable(effects: Told['effects'], known: ReadonlySet<string>): unknown {
  const names = new Map<string, string>();
  const told = effects.map(({ id: _, ...effect }) => effect);
  return JSON.parse(
    JSON.stringify(told).replace(/\b[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}\b/g, (id) => {
      if (known.has(id)) return id;
      names.set(id, names.get(id) ?? `new ${names.size}`);
      return names.get(id) ?? id;
    }),
  );
}
