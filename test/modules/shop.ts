// One workspace with an agent, an inbox, a person and a conversation, and what tests of every noun ask of it: keys of some
// scopes, the trail, the end of an effect, and whether anything was written at all.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AuditEntry, EffectStatus } from '../../src/generated/prisma/client.js';
import { type IdPrefix, newId } from '../../src/platform/ids.js';
import type { Answer, Client, GraphqlError } from '../support/client.js';
import { type Harness, type HarnessOptions, type Place, startHarness } from '../support/harness.js';

export interface Ids {
  readonly agentId: string;
  readonly inboxId: string;
  readonly contactId: string;
  readonly conversationId: string;
}

export interface Ended {
  readonly id: string;
  readonly status: EffectStatus;
  readonly charged: number;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

export interface Asked {
  readonly id: string;
  readonly status: EffectStatus;
  readonly seal: string;
}

export interface Shop extends Harness {
  readonly ids: Ids;
  /** A workspace of another organization, filled alike. */
  readonly elsewhere: Place & { readonly ids: Ids; readonly email: string; readonly password: string };
  /** The first owner, signed in. */
  readonly owner: Client;
  /** A client with a new account key of these scopes. */
  key(...scopes: string[]): Promise<Client & { readonly keyId: string }>;
  /** A client with a new key of this agent, or of the shop's. */
  agentKey(scopes: readonly string[], agentId?: string): Promise<Client & { readonly keyId: string }>;
  /** What the trail of the shop holds under this name, the oldest first. */
  trail(action: string): Promise<AuditEntry[]>;
  /** The last entry of that name. */
  lastEntry(action: string): Promise<AuditEntry>;
  /** Runs it and fails when a row of any workspace came, went or changed; the entry of a refused scope does not count. */
  writesNothing<T>(act: () => Promise<T>): Promise<T>;
  /** The same of what was asked for before: that leaves one entry in the trail, and nothing else. */
  repeats<T>(act: () => Promise<T>): Promise<T>;
  /**
   * What is foreign and what does not exist are answered alike, as NOT_FOUND, and nothing is written.
   * @param ask with the foreign id, then with one that nothing has
   */
  looksUnknown(foreign: string, ask: (id: string) => Promise<Answer<unknown>>): Promise<void>;
  /** What was captured, by file name. */
  outbox(): Promise<string[]>;
  /** Waits until an effect has ended. */
  ends(effectId: string): Promise<Ended>;
  /** The owner approves; resolves once the effect has ended. */
  approve(effect: Pick<Asked, 'id' | 'seal'>): Promise<Ended>;
}

export async function startShop(options: HarnessOptions = {}): Promise<Shop> {
  const harness = await startHarness(options);
  const { database, place, as } = harness;
  const other = await harness.addPlace('Elsewhere');
  const ids = await fill(harness, place);
  const elsewhere = { ...other, ids: await fill(harness, other) };
  const owner = await harness.signIn();
  const trail = (action: string) =>
    database.owner.auditEntry.findMany({
      where: { workspaceId: place.workspaceId, action },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
  const client = ({ id, key }: { id: string; key: string }) => ({ ...as({ key }), keyId: id });
  const ends = (effectId: string) => ended(owner, effectId);
  return {
    ...harness,
    ids,
    elsewhere,
    owner,
    key: async (...scopes) => client(await harness.createKey({ kind: 'ACCOUNT', scopes })),
    agentKey: async (scopes, agentId = ids.agentId) =>
      client(await harness.createKey({ kind: 'AGENT', agentId, scopes })),
    trail,
    async lastEntry(action) {
      const entry = (await trail(action)).at(-1);
      if (entry === undefined) throw new Error(`The trail has no ${action}.`);
      return entry;
    },
    async writesNothing(act) {
      const before = await tables(harness);
      const result = await act();
      expect(await tables(harness)).toEqual(before);
      return result;
    },
    async repeats(act) {
      const state = async () => {
        const { audit_entry: _, ...rest } = await tables(harness);
        return { rest, repeats: (await trail('request.repeat')).length };
      };
      const before = await state();
      const result = await act();
      expect(await state()).toEqual({ ...before, repeats: before.repeats + 1 });
      return result;
    },
    async looksUnknown(foreign, ask) {
      const before = await tables(harness);
      const answer = await ask(foreign);
      const other = await ask(newId(foreign.slice(0, 3) as IdPrefix));
      expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
      expect(shown(answer)).toEqual(shown(other));
      expect(await tables(harness)).toEqual(before);
      expect(answer.text).not.toContain(foreign);
    },
    outbox: () => readdir(join(harness.dataDir, 'outbox')).catch(() => []),
    ends,
    async approve({ id, seal }) {
      await owner.data(approval, { effectId: id, seal });
      return ends(id);
    },
  };
}

export const approval = `mutation Approve($effectId: ID!, $seal: String!) {
  approveEffect(input: { effectId: $effectId, seal: $seal, comment: "Go." }) { effect { id status } }
}`;

export const sending = `mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) { messageId status effect { id status seal price payload rule { id requirement } } }
}`;

export interface Sent {
  readonly sendMessage: { readonly messageId: string; readonly status: EffectStatus; readonly effect: Asked };
}

/** An id of the right form that nothing has. */
export const unknownId = (prefix: IdPrefix): string => newId(prefix);

/** The answer without what differs from request to request. */
export const shown = ({ status, data, errors }: Answer<unknown>): unknown => ({
  status,
  data,
  errors: errors.map(({ extensions: { requestId: _, ...extensions }, ...error }) => ({ ...error, extensions })),
});

/** What a refusal says, without the id of the request. */
export const said = ({ message, extensions: { requestId: _, ...extensions } }: GraphqlError): object => ({
  message,
  ...extensions,
});

async function fill({ database }: Harness, { workspaceId }: Place): Promise<Ids> {
  const { owner: db } = database;
  const ids = {
    agentId: newId('agt'),
    inboxId: newId('inb'),
    contactId: newId('ctc'),
    conversationId: newId('cnv'),
  };
  const { agentId, inboxId, contactId, conversationId } = ids;
  await db.agent.create({ data: { workspaceId, id: agentId, name: 'Robin', instructions: 'Be brief.' } });
  const inbox = { channel: 'EMAIL', address: 'hello@halberd.example', name: 'Halberd Cycles' } as const;
  await db.inbox.create({ data: { workspaceId, id: inboxId, agentId, ...inbox } });
  const contact = { name: 'Amelia Okafor', email: 'amelia@example.com', phone: '+442079460101' };
  await db.contact.create({ data: { workspaceId, id: contactId, ...contact } });
  await db.conversation.create({
    data: { workspaceId, id: conversationId, channel: 'EMAIL', subject: 'Order 4211', contactId, agentId, inboxId },
  });
  return ids;
}

async function ended(client: Client, id: string): Promise<Ended> {
  for (let tries = 0; tries < 400; tries++) {
    const { effect } = await client.data<{ effect: Ended }>(
      'query E($id: ID!) { effect(id: $id) { id status charged failure { code message } result } }',
      { id },
    );
    if (!['AWAITING_APPROVAL', 'QUEUED', 'PERFORMING'].includes(effect.status)) return effect;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`The effect ${id} did not end.`);
}

// What a key counts of its use, what the sealer links and the queue are no part of a request.
const TABLES = [
  ...['agent', 'contact', 'inbox', 'conversation', 'message', 'effect', 'effect_decision', 'effect_execution'],
  ...['idempotency_record', 'credit_account', 'ledger_entry', 'audit_entry', 'event', 'workspace', 'member'],
];

async function tables({ database }: Harness): Promise<Readonly<Record<string, unknown>>> {
  const parts = TABLES.map((table) => {
    const where = table === 'audit_entry' ? `WHERE t.action <> 'access.refused'` : '';
    return `(SELECT md5(COALESCE(string_agg(t::text, '|' ORDER BY t::text), '')) FROM "${table}" t ${where}) AS "${table}"`;
  });
  const { rows } = await database.executeAsOwner(`SELECT ${parts.join(', ')}`);
  return rows[0] ?? {};
}
