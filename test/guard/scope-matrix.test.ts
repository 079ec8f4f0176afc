// Generated from the schema: each field is asked for with the least that it declares, and with everything but that. A new
// field is covered by itself, or fails here by its coordinate.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { printSdl } from '../../src/graphql/print.js';
import { ROLES, roleAtLeast } from '../../src/guard/roles.js';
import { MEMBER_SCOPES } from '../../src/guard/scopes.js';
import { schema } from '../../src/schema.js';
import type { Client, GraphqlError } from '../support/client.js';
import { readSdl } from '../support/generate/access.js';
import {
  type AnyOf,
  type Demands,
  demandsOf,
  everythingFor,
  type KeyKind,
  leastFor,
  mostWithout,
} from '../support/generate/demands.js';
import { type Operation, operationsOf, otherWays, sentWith, textOf } from '../support/generate/operations.js';
import { endsItself, endsWorkspace, type Thing, variablesFor } from '../support/generate/samples.js';
import { reached, type Said, say } from '../support/generate/speak.js';
import { type Caller, type Stage, setStage } from '../support/generate/stage.js';
import { type Snapshot, snapshotOf } from '../support/snapshot.js';

const declared = readSdl(printSdl(schema));
const { operations, unreached } = operationsOf(schema);
const cases = operations.map((operation) => ({ operation, demands: demandsOf(operation, declared) }));
const waysAround = otherWays(schema);
const kinds = ['ACCOUNT', 'AGENT'] as const;

// Scopes are judged without the database, so the embedded one, which is slower, confirms the roots only.
const [which, casesHere] =
  inject('engine') === 'server'
    ? (['every field', cases] as const)
    : ([
        'fields of the roots, the others on a server',
        cases.filter(({ operation }) => operation.steps.length === 1),
      ] as const);

it('finds a way to every field of every object', () => {
  expect(unreached).toEqual([]);
  const covered = new Set(operations.flatMap(({ coordinate }) => coordinate.split(' ')[0]));
  const objects = [...declared.keys()].filter((coordinate) => coordinate !== 'Node.id');
  expect([...covered].sort()).toEqual(objects.sort());
});

/** A scope that no field takes: what a key holds that holds nothing of use. */
const idle = (kind: KeyKind): string => {
  const taken = new Set(cases.flatMap(({ demands }) => demands.scopes.flat(2)));
  const scope = everythingFor(kind).find((one) => !taken.has(one));
  if (scope === undefined) throw new Error(`Every ${kind} scope is taken by some field.`);
  return scope;
};

describe.each([
  ['both walls', 'on'],
  ['the second wall alone', 'off'],
] as const)(`%s: ${which}`, (_name, preflight) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ preflight });
  });
  afterAll(() => stage?.harness.stop());

  const kept = new Map<string, Promise<Thing>>();
  const prepare = async (operation: Operation, { asker }: Pick<Caller, 'asker'>) => {
    const own = { owner: stage.harness.database.owner, site: stage.ours, asker };
    const making = operation.root === 'mutation' ? own : { ...own, kept };
    return { text: textOf(operation), variables: await variablesFor(sentWith(operation), operation.nodeType, making) };
  };
  /** What only reads has nothing to compare. */
  const snapshot = async ({ root }: Operation): Promise<Snapshot> =>
    root === 'mutation' ? await snapshotOf(stage.harness.database, stage.ours, { withRefusals: false }) : {};
  const expectServed = async (operation: Operation, asking: Caller, asked?: Client): Promise<void> => {
    const caller = endsWorkspace(operation) ? await stage.apart(asking) : asking;
    const client = asked ?? caller.client;
    const { text, variables } = await prepare(operation, caller);
    const said = await say(client, text, variables);
    const told = `${operation.coordinate} by ${caller.name}: ${said.text}`;
    expect(said.errors, told).toEqual([]);
    expect(said.status, told).toBe(200);
    // A person has no key of its own to read about.
    const isThere = caller.asker.kind !== 'SESSION' && !operation.coordinate.startsWith('PlannedEffect.');
    // Nothing that takes no scope asks for an effect, so what a key without scopes plans has none.
    if (isThere) expect(reached(said.data, namesOf(operation)), told).not.toBeUndefined();
  };
  const expectRefused = async (operation: Operation, refusals: readonly Refusal[]): Promise<void> => {
    // Without the first wall, a root that is held does its work before a field inside is refused.
    const changesNothing = ({ rootIsHeld }: Refusal) => preflight === 'on' || !rootIsHeld;
    const idle = await Promise.all(refusals.filter(changesNothing).map(prepared(operation)));
    const before = await snapshot(operation);
    for (const one of idle) await expectOneRefused(operation, one);
    expect(await snapshot(operation), idle.map(({ caller }) => caller.name).join(', ')).toEqual(before);
    for (const refusal of refusals.filter((one) => !changesNothing(one))) {
      await expectOneRefused(operation, await prepared(operation)(refusal));
    }
  };
  const prepared = (operation: Operation) => async (refusal: Refusal) => ({
    ...refusal,
    ...(await prepare(operation, refusal.caller)),
  });
  const expectOneRefused = async (
    operation: Operation,
    { text, variables, ...refusal }: Awaited<ReturnType<ReturnType<typeof prepared>>>,
  ): Promise<void> => {
    const { caller, client = caller.client } = refusal;
    const said = await say(client, text, variables);
    const told = `${operation.coordinate} by ${caller.name}: ${said.text}`;
    if (preflight === 'on') expectRefusedWhole(said, refusal, told);
    else expectRefusedThere(said, operation, refusal, told);
  };

  /** What ends the key that asks is refused to a person, and nothing is changed. */
  const expectNoKey = async (operation: Operation): Promise<void> => {
    const before = await snapshot(operation);
    const { client } = await stage.person('ADMIN');
    const { errors } = await say(client, textOf(operation), {});
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
    expect(await snapshot(operation)).toEqual(before);
  };

  /** True as soon as one of the ways has come as far as the field, and the field alone was refused. */
  const refusedByItself = async (ways: readonly WayAround[]): Promise<boolean> => {
    for (const { operation, kind, held } of ways) {
      const caller = await (endsItself(operation) ? stage.newKey : stage.key)(kind, held);
      const { text, variables } = await prepare(operation, caller);
      const { data, errors, text: answer } = await say(caller.client, text, variables);
      const told = `${text} by ${caller.name}: ${answer}`;
      const value = reached(data, namesOf(operation)) ?? null;
      expect(value, told).toBeNull();
      for (const { extensions } of errors) expect(extensions.code, told).toBe('FORBIDDEN');
      const { length } = operation.steps;
      for (const { path } of errors) expect(namesIn(path).slice(0, length), told).toEqual(namesOf(operation));
      if (errors.length > 0) return true;
      // Nothing stood on the way there, so nothing was refused: the next way.
      expect(preflight, told).toBe('off');
      expect(reached(data, namesOf(operation).slice(0, -1)) ?? null, told).toBeNull();
    }
    return false;
  };

  describe.each(casesHere.map((one) => [one.operation.coordinate, one] as const))('%s', (_coordinate, one) => {
    const { operation, demands } = one;

    it(`takes ${wordsOf(demands)}, and that is enough`, async () => {
      for (const kind of kinds) {
        for (const scopes of leastFor(demands, kind)) {
          if (!forPeople.has(operation.steps[0]?.field.name ?? '')) {
            const held = scopes.length === 0 ? [idle(kind)] : scopes;
            await expectServed(operation, await (endsItself(operation) ? stage.newKey : stage.key)(kind, held));
          }
        }
      }
      if (endsItself(operation)) await expectNoKey(operation);
      else await expectServed(operation, await personFor(stage, one));
      if (demands.isPublic) await expectServed(operation, await stage.person('ADMIN'), stage.nobody);
    });

    const around = kinds.flatMap((kind) => aroundFor(operation, kind));
    if (around.length > 0) {
      it('takes no less, whichever way leads there', async () => {
        expect(await refusedByItself(around)).toBe(true);
      });
    }

    it('takes no less', async () => {
      const refusals: Refusal[] = [];
      for (const kind of kinds) {
        for (const lack of lacksOf(demands, kind)) {
          refusals.push({ ...refusalFor(one, lack), caller: await stage.key(kind, lack) });
        }
      }
      if (!demands.isPublic) {
        refusals.push({ ...UNKNOWN, caller: await stage.person('ADMIN'), client: stage.nobody });
      }
      const memberScopes = [...MEMBER_SCOPES];
      const lower = ROLES.filter((role) => demands.role !== null && !roleAtLeast(role, demands.role));
      for (const role of isSatisfied(demands, memberScopes) ? lower : (['MEMBER'] as const)) {
        refusals.push({ ...refusalFor(one, memberScopes), caller: await stage.person(role) });
      }
      await expectRefused(operation, refusals);
    });
  });
});

/** An owner of one's own, where it takes one: handing the organization over uses the role up. */
const personFor = (stage: Stage, { operation, demands }: Case) =>
  stage.person(demands.role ?? 'ADMIN', stage.ours, demands.role === 'OWNER' ? operation.coordinate : '');

/** Mutations that take a signed-in person, whatever scopes a key has: the person's own word is asked for. */
const forPeople = new Set(['confirmEffect']);

interface WayAround {
  readonly operation: Operation;
  readonly kind: KeyKind;
  /** Everything that a key can hold but what the field itself takes; enough for all the rest of the way. */
  readonly held: readonly string[];
}

/** The ways on which a key is let as far as the field, and lacks what the field takes. */
function aroundFor(operation: Operation, kind: KeyKind): readonly WayAround[] {
  const coordinate = operation.executes[operation.steps.length - 1] ?? '';
  const own = demandsOf({ ...operation, executes: [coordinate] }, declared);
  return waysAround(operation).flatMap((way) => {
    const before = demandsOf({ ...way, executes: way.executes.slice(0, way.steps.length - 1) }, declared);
    const isEnough = (held: readonly string[]): boolean => before.role === null && isSatisfied(before, held);
    return mostWithout(own, kind).flatMap(({ held }) => (isEnough(held) ? [{ operation: way, kind, held }] : []));
  });
}

const namesIn = (path: readonly (string | number)[] = []): readonly string[] =>
  path.filter((step) => typeof step === 'string');

const namesOf = ({ steps }: Operation): readonly string[] => steps.map(({ field }) => field.name);

interface Case {
  readonly operation: Operation;
  readonly demands: Demands;
}

/** How somebody without a credential is refused. */
const UNKNOWN = {
  code: 'UNAUTHENTICATED',
  refused: [],
  held: [],
  role: null,
  rootIsHeld: false,
  wayIsHeld: false,
} as const;

interface Refusal {
  readonly caller: Caller;
  readonly code: 'FORBIDDEN' | 'UNAUTHENTICATED';
  /** What is not satisfied. */
  readonly refused: readonly AnyOf[];
  readonly held: readonly string[];
  readonly role: string | null;
  /** Whether the root field itself is held: the second wall alone then lets it run and refuses inside. */
  readonly rootIsHeld: boolean;
  /** Whether every field on the way to the one in question is held, itself included. */
  readonly wayIsHeld: boolean;
  /** Instead of the caller's own. */
  readonly client?: Client;
}

const holdsOne = (anyOf: AnyOf, held: readonly string[]): boolean =>
  anyOf.some((all) => all.every((scope) => held.includes(scope)));
const isSatisfied = ({ scopes }: Demands, held: readonly string[]): boolean =>
  scopes.every((anyOf) => holdsOne(anyOf, held));

/** The scopes of keys that must be refused: everything but one thing; everything, where no key of this kind may ask. */
function lacksOf(demands: Demands, kind: KeyKind): readonly (readonly string[])[] {
  const all = everythingFor(kind);
  return leastFor(demands, kind).length === 0 ? [all] : mostWithout(demands, kind).map(({ held }) => held);
}

function refusalFor({ operation, demands }: Case, held: readonly string[]): Omit<Refusal, 'caller'> {
  const refused = demands.scopes.filter((anyOf) => !holdsOne(anyOf, held));
  const isHeld = (fields: number): boolean =>
    demands.role === null &&
    isSatisfied(demandsOf({ ...operation, executes: operation.executes.slice(0, fields) }, declared), held);
  const { length } = operation.nodeType === null ? operation.steps : operation.executes;
  return { code: 'FORBIDDEN', refused, held, role: demands.role, rootIsHeld: isHeld(1), wayIsHeld: isHeld(length) };
}

/** Before anything runs: no data at all, and the first error speaks of the whole operation. */
function expectRefusedWhole({ status, data, errors }: Said, refusal: Refusal, told: string): void {
  expect(status, told).toBe(refusal.code === 'FORBIDDEN' ? 403 : 401);
  expect(data ?? null, told).toBeNull();
  expect(errors.length, told).toBeGreaterThan(0);
  expect(errors.length, told).toBeLessThanOrEqual(10);
  for (const { extensions } of errors) expect(extensions.code, told).toBe(refusal.code);
  const [{ extensions }] = errors as [GraphqlError];
  if (refusal.code === 'UNAUTHENTICATED') {
    expect(extensions.reason, told).toBe('MISSING');
    return;
  }
  expect(extensions.requiredRole, told).toBe(refusal.role ?? undefined);
  expect(extensions.refusedFields, told).not.toHaveLength(0);
  if (refusal.refused.length === 0) return;
  const { requiredScopes, missingScopes } = extensions as { requiredScopes?: string[]; missingScopes?: string[] };
  expect(requiredScopes, told).toEqual([...new Set(refusal.refused.flat(2))].sort());
  expectNamed(missingScopes ?? [], refusal.refused, refusal.held, told);
}

/** By the field itself: null where it stands, with an error, and nothing of it in the answer. */
function expectRefusedThere({ data, errors }: Said, operation: Operation, refusal: Refusal, told: string): void {
  const value = reached(data, namesOf(operation)) ?? null;
  // What is null holds nothing that could be refused; the way there was not refused.
  if (errors.length === 0) expect([value, refusal.wayIsHeld], told).toEqual([null, true]);
  for (const { extensions } of errors) {
    expect(extensions.code, told).toBe(refusal.code);
    if (refusal.code !== 'FORBIDDEN' || extensions.requiredScopes === undefined) continue;
    const { requiredScopes, missingScopes } = extensions as unknown as Record<string, string[]>;
    const meant = refusal.refused.find((anyOf) => [...new Set(anyOf.flat())].join() === requiredScopes?.join());
    expect(meant, told).toBeDefined();
    expectNamed(missingScopes ?? [], [meant ?? []], refusal.held, told);
  }
  if (!refusal.wayIsHeld) expect(value, told).toBeNull();
}

/** Granting what is named as missing would do. */
function expectNamed(
  missing: readonly string[],
  refused: readonly AnyOf[],
  held: readonly string[],
  told: string,
): void {
  expect(missing, told).not.toHaveLength(0);
  expect(
    missing.filter((scope) => held.includes(scope)),
    told,
  ).toEqual([]);
  for (const anyOf of refused) expect(holdsOne(anyOf, [...held, ...missing]), told).toBe(true);
}

function wordsOf(demands: Demands): string {
  if (demands.role !== null) return `the role ${demands.role}`;
  const sets = kinds.flatMap((kind) => leastFor(demands, kind)).map((set) => set.join(' and '));
  return sets.filter((text) => text !== '').join(', or ') || (demands.isPublic ? 'nothing' : 'a credential');
}
