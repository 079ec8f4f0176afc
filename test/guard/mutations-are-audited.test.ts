// Every mutation that answers without an error leaves an audit entry of its own request, generated from the schema: asked
// once, asked for the same once more, which often changes nothing, and repeated under one idempotencyKey, which never does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { schema } from '../../src/schema.js';
import { type Operation, operationsOf, sentWith, textOf } from '../support/generate/operations.js';
import { endsItself, endsWorkspace, variablesFor } from '../support/generate/samples.js';
import { type Caller, type Stage, setStage } from '../support/generate/stage.js';

const mutations = operationsOf(schema).operations.filter(
  ({ root, steps }) => root === 'mutation' && steps.length === 1,
);

let stage: Stage;
let owner: Caller;
beforeAll(async () => {
  stage = await setStage();
  owner = await stage.person('OWNER');
});
afterAll(() => stage?.harness.stop());

const seen = { answered: 0, again: 0, repeated: 0 };

describe.each(mutations.map((one) => [one.coordinate, one] as const))('%s', (_coordinate, mutation) => {
  it('leaves an entry each time it answers without an error', async () => {
    const asking = await someone(mutation);
    const variables = await variablesOf(mutation);
    expect(await isAnswered(mutation, asking, variables)).toBe(true);
    seen.answered += 1;
    if (await isAnswered(mutation, asking, variables)) seen.again += 1;
  });
});

const repeatable = mutations.filter(({ steps }) =>
  steps[0]?.field.args.some(({ type }) => 'idempotencyKey' in (inputFieldsOf(String(type).replace('!', '')) ?? {})),
);

describe.each(repeatable.map((one) => [one.coordinate, one] as const))('%s, repeated', (_coordinate, mutation) => {
  it('leaves an entry also when its idempotencyKey is known', async () => {
    const asking = await someone(mutation);
    const { input0 } = (await variablesOf(mutation)) as { input0: object };
    const keyed = { input0: { ...input0, idempotencyKey: newId('req') } };
    expect(await isAnswered(mutation, asking, keyed)).toBe(true);
    expect(await isAnswered(mutation, asking, keyed)).toBe(true);
    seen.repeated += 1;
  });
});

/** Fails when it answered and nothing remembers it. */
async function isAnswered(mutation: Operation, { client }: Caller, variables: object): Promise<boolean> {
  const answer = await client.ask(textOf(mutation), variables);
  if (answer.errors.length > 0) return false;
  const requestId = answer.headers.get('x-request-id') ?? '';
  const entries = await stage.harness.database.owner.auditEntry.count({ where: { requestId } });
  expect(entries, answer.text).toBeGreaterThan(0);
  return true;
}

/** Where asking takes something from whoever asks, somebody who is nobody else's caller. */
function someone(mutation: Operation): Promise<Caller> {
  if (endsWorkspace(mutation)) return stage.apart(owner);
  if (endsItself(mutation)) return stage.newKey('ACCOUNT', ['contacts:read']);
  const isGivenAway = mutation.coordinate === 'Mutation.transferOwnership';
  return isGivenAway ? stage.person('OWNER', stage.ours, newId('usr')) : Promise.resolve(owner);
}

const variablesOf = (mutation: Operation) =>
  variablesFor(sentWith(mutation), null, {
    owner: stage.harness.database.owner,
    site: stage.ours,
    asker: owner.asker,
  });

function inputFieldsOf(name: string): object | null {
  const type = schema.getType(name);
  return type !== undefined && 'getFields' in type ? type.getFields() : null;
}

it('what changes nothing and what is repeated were among them', () => {
  expect(seen.answered).toBe(mutations.length);
  expect(seen.again).toBeGreaterThan(15);
  expect(seen.repeated).toBe(repeatable.length);
  expect(seen.repeated).toBeGreaterThan(5);
});
