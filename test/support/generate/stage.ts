// The application with three full workspaces: ours, a sibling in our organization, and one of a foreign organization; and
// whoever asks, made once per set of scopes.
import type { Role } from '../../../src/guard/roles.js';
import { newId } from '../../../src/platform/ids.js';
import type { Client } from '../client.js';
import { type Harness, type HarnessOptions, startHarness } from '../harness.js';
import { type Asker, type SeededWorkspace, type Site, seedSite, seedWorkspace } from '../world.js';
import type { KeyKind } from './demands.js';
import { noteClient } from './planning.js';

export interface Caller {
  readonly name: string;
  readonly client: Client;
  readonly asker: Asker;
}

export interface Stage {
  readonly harness: Harness;
  readonly ours: SeededWorkspace;
  readonly sibling: SeededWorkspace;
  readonly foreign: SeededWorkspace;
  /** An agent key is that of the workspace's first agent. */
  key(kind: KeyKind, scopes: readonly string[], site?: SeededWorkspace): Promise<Caller>;
  /** One that nobody else asks with: for what ends the key that asks. */
  newKey(kind: KeyKind, scopes: readonly string[]): Promise<Caller>;
  /** @param named made once per name; whom a mutation changes is nobody else's caller */
  person(role: Role, site?: SeededWorkspace, named?: string): Promise<Caller>;
  /** The same person in a new, empty workspace of our organization: for what ends the workspace it is asked in. */
  apart(person: Caller): Promise<Caller>;
  readonly nobody: Client;
}

export async function setStage(options: HarnessOptions = {}): Promise<Stage> {
  const harness = await startHarness({ ...options, works: false });
  const { owner } = harness.database;
  const ours = await seedWorkspace(owner, harness.place, 'canary-ours');
  const fill = async (canary: string, site: Site) => seedWorkspace(owner, site, canary);
  const sibling = await fill('canary-sibling', await seedSite(owner, 'canary-sibling', ours.organizationId));
  const foreign = await fill('canary-foreign', await seedSite(owner, 'canary-foreign'));
  const callers = new Map<string, Promise<Caller>>();
  const once = (name: string, make: () => Promise<Caller>): Promise<Caller> => {
    const caller = callers.get(name) ?? make();
    callers.set(name, caller);
    return caller;
  };
  return {
    harness,
    ours,
    sibling,
    foreign,
    nobody: harness.as(null),
    apart: (person) => moveApart(harness, person, ours.organizationId),
    key: (kind, scopes, site = ours) =>
      once(`${site.canary} ${kind} ${scopes.join(' ')}`, () => makeKey(harness, kind, scopes, site)),
    newKey: (kind, scopes) => makeKey(harness, kind, scopes, ours),
    person: (role, site = ours, named = '') =>
      once(`${site.canary} ${role} ${named}`, () => makePerson(harness, role, site)),
  };
}

async function makeKey(
  harness: Harness,
  kind: KeyKind,
  scopes: readonly string[],
  { workspaceId, rows }: SeededWorkspace,
): Promise<Caller> {
  const agentId = kind === 'AGENT' ? rows.Agent : null;
  const { id, key } = await harness.createKey({
    workspaceId,
    kind,
    scopes: [...scopes],
    ...(agentId === null ? {} : { agentId }),
  });
  const asker: Asker = { kind: kind === 'AGENT' ? 'AGENT_KEY' : 'ACCOUNT_KEY', id, agentId };
  const client = harness.as({ key });
  noteClient(harness.database.owner, asker, client);
  return { name: `an ${kind.toLowerCase()} key with ${scopes.join(', ')}`, client, asker };
}

async function makePerson(harness: Harness, role: Role, site: Site): Promise<Caller> {
  const { workspaceId } = site;
  const person = await harness.addPerson(role, site);
  const { headers } = await harness.signIn(person);
  const client = harness.as({ cookie: headers.cookie ?? '', workspaceId });
  const asker: Asker = { kind: 'SESSION', id: person.userId, agentId: null };
  noteClient(harness.database.owner, asker, client);
  return { name: `a person, ${role}`, client, asker };
}

async function moveApart(harness: Harness, person: Caller, organizationId: string): Promise<Caller> {
  const workspaceId = newId('wsp');
  // The name that a generated input gives.
  await harness.database.owner.workspace.create({ data: { id: workspaceId, organizationId, name: 'sample name' } });
  await harness.database.owner.creditAccount.create({ data: { workspaceId } });
  const client = harness.as({ cookie: person.client.headers.cookie ?? '', workspaceId });
  return { ...person, name: `${person.name}, in a workspace of its own`, client };
}
