// Three workspaces and those who ask from one of them, with an ear for anything that is not theirs: a canary or an id of
// another workspace in any answer fails the test that asked.
import { expect } from 'vitest';
import { printSdl } from '../../../src/graphql/print.js';
import { type Role, roleAtLeast } from '../../../src/guard/roles.js';
import { schema } from '../../../src/schema.js';
import type { TestWalls } from '../database.js';
import { changed, idsIn, type Snapshot, snapshotOf } from '../snapshot.js';
import type { SeededWorkspace } from '../world.js';
import { readSdl } from './access.js';
import { demandsOf, everythingFor, leastFor } from './demands.js';
import { type Operation, operationsOf, sentWith } from './operations.js';
import { make, ofOrganization, type Thing, variablesFor } from './samples.js';
import { type Said, say } from './speak.js';
import { type Caller, type Stage, setStage } from './stage.js';

export const wallsAlone = [
  ['both walls', 'both'],
  ['the guard alone', 'guard'],
  ['row-level security alone', 'rls'],
] as const satisfies readonly (readonly [string, TestWalls])[];

const declared = readSdl(printSdl(schema));

/** What is meant to tell of more than one workspace, with the test that holds it to whom it may tell. */
export const beyondOne: ReadonlyMap<string, string> = new Map([
  ['Me.workspaces', 'lists where a person may work, the sibling included; test/modules/workspaces-entered.test.ts'],
]);

// A payload is asked for through its mutation, whose own operation stands for all of it.
export const askable = operationsOf(schema).operations.filter(
  ({ root, steps, executes }) =>
    (root !== 'mutation' || steps.length === 1) && !executes.some((coordinate) => beyondOne.has(coordinate)),
);

export interface Isolation {
  readonly stage: Stage;
  /** A key with every scope, a person who is ADMIN, an agent key with every scope; of our workspace. */
  readonly callers: readonly Caller[];
  /** The sibling in our organization, and the foreign one. */
  readonly others: readonly SeededWorkspace[];
  /** Whoever is in another workspace what this caller is in ours: a key with every scope, or an ADMIN. */
  likeIn(site: SeededWorkspace, caller: Caller): Promise<Caller>;
  /** Ids that no answer to us may hold. */
  readonly theirs: Set<string>;
  /** As they were when the test began. */
  readonly atFirst: readonly Snapshot[];
  now(): Promise<readonly Snapshot[]>;
  ask(caller: Caller, text: string, variables: object): Promise<Said>;
  /** Fails when anything was written to another workspace. */
  untouched<Result>(run: () => Promise<Result>): Promise<Result>;
  variablesOf(site: SeededWorkspace, caller: Caller, operation: Operation, place?: Given): Promise<Variables>;
  thing(kind: string, site: SeededWorkspace, caller: Caller): Promise<Thing>;
}

interface Given {
  readonly argument: string;
  readonly inputField: string | null;
}

export type Variables = Record<string, unknown>;

export async function standApart(walls: TestWalls): Promise<Isolation> {
  const stage = await setStage({ walls });
  const { database } = stage.harness;
  const others = [stage.sibling, stage.foreign];
  const keyOf = (site: SeededWorkspace) => stage.key('ACCOUNT', everythingFor('ACCOUNT'), site);
  const callers = [
    await keyOf(stage.ours),
    await stage.person('ADMIN'),
    await stage.key('AGENT', everythingFor('AGENT')),
  ];
  // Made before anything is compared: they are rows of those workspaces too.
  for (const site of others) {
    await keyOf(site);
    await stage.person('ADMIN', site);
  }
  // What belongs to our organization is as much ours as the sibling's, and changes as we change it.
  const isOurs = (table: string, site: SeededWorkspace) =>
    ['organization', 'member', 'invitation', 'organization_audit_entry'].includes(table) &&
    site.organizationId === stage.ours.organizationId;
  const apart = async (site: SeededWorkspace): Promise<Snapshot> =>
    Object.fromEntries(Object.entries(await snapshotOf(database, site)).filter(([table]) => !isOurs(table, site)));
  const now = () => Promise.all(others.map(apart));
  const atFirst = await now();
  const ours = idsIn(await snapshotOf(database, stage.ours));
  const theirs = new Set(atFirst.flatMap((snapshot) => [...idsIn(snapshot)].filter((id) => !ours.has(id))));
  const kept = new Map<string, Promise<Thing>>();
  return {
    stage,
    callers,
    others,
    likeIn: (site, { asker }) => (asker.kind === 'SESSION' ? stage.person('ADMIN', site) : keyOf(site)),
    theirs,
    atFirst,
    now,
    async ask({ client, name }, text, variables) {
      const said = await say(client, text, variables);
      expectNothingOfOthers(said, theirs, `${text} by ${name}: ${said.text}`);
      return said;
    },
    async untouched(run) {
      const before = await now();
      const result = await run();
      const after = await now();
      before.forEach((snapshot, index) => {
        expect(changed(snapshot, after[index] ?? {}), `changed in ${others[index]?.canary}`).toEqual([]);
      });
      return result;
    },
    variablesOf: (site, { asker }, operation, place) => {
      const sent = sentWith(operation, place === undefined ? [] : [place.argument]);
      const own = { owner: database.owner, site, asker };
      const making = operation.root === 'mutation' ? own : { ...own, kept };
      return variablesFor(sent, operation.nodeType, making, place?.inputField ?? null);
    },
    async thing(kind, site, { asker }) {
      const made = await make(kind, { owner: database.owner, site, asker });
      // Whatever is made in another workspace must not be seen from ours either.
      if (site !== stage.ours && !ours.has(made.id) && !sharesThings(kind, site, stage.ours)) theirs.add(made.id);
      return made;
    },
  };
}

/** Whether a thing of this kind is the same thing in both workspaces, because it is their organization's. */
export const sharesThings = (kind: string, one: SeededWorkspace, other: SeededWorkspace): boolean =>
  ofOrganization.has(kind) && one.organizationId === other.organizationId;

function expectNothingOfOthers({ text, errors }: Said, theirs: ReadonlySet<string>, told: string): void {
  const shown = legible(text);
  expect(shown, told).not.toMatch(/canary-(sibling|foreign)/);
  const seen = (shown.match(/\b[a-z]{3}_[0-9a-z]{26}\b/g) ?? []).filter((id) => theirs.has(id));
  expect(seen, told).toEqual([]);
  const codes = errors.map(({ extensions }) => extensions.code);
  expect(codes, told).not.toContain('INTERNAL_SERVER_ERROR');
}

/** With what is written in base64, as cursors are: they are signed, not secret. */
export const legible = (text: string): string =>
  [text, ...(text.match(/[\w-]{30,}/g) ?? []).map((word) => Buffer.from(word, 'base64url').toString())].join('\n');

const kindOf = ({ asker }: Caller) => (asker.kind === 'AGENT_KEY' ? 'AGENT' : 'ACCOUNT');

/** Whether one of the callers, each with everything its kind can hold, may ask for it at all. */
export function mayAsk(operation: Operation, caller: Caller): boolean {
  const demands = demandsOf(operation, declared);
  // The person who asks is an ADMIN; what takes more is refused for the role, whatever id it names.
  if (caller.asker.kind === 'SESSION') return roleAtLeast('ADMIN', (demands.role ?? 'MEMBER') as Role);
  if (operation.coordinate === 'Mutation.confirmEffect') return false;
  return leastFor(demands, kindOf(caller)).length > 0;
}

export function mayRead(coordinate: string, caller: Caller): boolean {
  if (beyondOne.has(coordinate)) return false;
  const [access] = declared.get(coordinate)?.access ?? [];
  if (access?.kind !== 'scopes') return access?.kind !== 'role' || caller.asker.kind === 'SESSION';
  const held: readonly string[] = everythingFor(kindOf(caller));
  return access.anyOf.some((all) => all.every((scope) => held.includes(scope)));
}
