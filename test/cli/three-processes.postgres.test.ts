import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ownersAudit } from '../../src/app.js';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { createKey } from '../../src/auth/create-key.js';
import type { Database } from '../../src/db/database.js';
import { openServer } from '../../src/db/server.js';
import { createClientFor } from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import { signIn } from '../support/harness.js';
import { type Asked, type Line, openLine, pelt } from '../support/pelt.js';
import { buildOnce, openPlace, type Place } from './sallyport.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PROCESSES = 3;
const AFTERWARDS_EACH = 1_000;
/** Each refusal for want of a scope is entered in the trail, which takes longer than to refuse. */
const AUDITED_EACH = 300;

let place: Place;
let drop: () => Promise<void>;
let database: Database;
const urls: string[] = [];
const lines: Line[] = [];
beforeAll(async () => {
  await buildOnce();
  const created = await createTestDatabase();
  drop = created.drop;
  database = await openServer({ databaseUrl: created.url, warn: () => undefined });
  place = openPlace({
    DATABASE_URL: created.url,
    SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    TRUST_PROXY: '1',
    // What is proved is the door, not how often one may knock.
    PLAN_LIMITS: JSON.stringify({ free: { rpm: 1_000_000, rpd: 1_000_000_000, costMax: 1_000_000_000 } }),
  });
  const served = await Promise.all(Array.from({ length: PROCESSES }, () => place.serve(['serve', '--no-jobs'])));
  urls.push(...served.map(({ url }) => url));
  lines.push(...urls.map(openLine));
});
afterAll(async () => {
  for (const line of lines) line.close();
  place?.remove();
  await database?.close();
  await drop?.();
});

interface Subject {
  readonly keyId: string;
  readonly key: string;
  /** Of the owner, signed in. */
  readonly cookie: string;
}

const desk = () => ({ database, audit: ownersAudit, brand: 'sp' });

/** A key of its own workspace: what is counted or refused for one change is nothing to the next. */
async function newSubject(name: string): Promise<Subject> {
  const person = { email: `${name}@example.com`, password: 'correct horse battery' };
  const { workspaceId } = await bootstrap(desk(), { org: name, workspace: name, ...person });
  const scopes = ['contacts:read', 'contacts:write'];
  const { apiKey, key } = await createKey(desk(), { workspaceId, kind: 'ACCOUNT', name, scopes });
  return { keyId: apiKey.id, key, cookie: await signIn(urls[0] ?? '', person) };
}

/** By the owner of the key's workspace, over HTTP, at one of the processes. */
const byMutation =
  (field: string) =>
  async ({ keyId, cookie }: Subject): Promise<void> => {
    const isOfKey = field.includes('$id');
    const document = `mutation${isOfKey ? ' Change($id: ID!)' : ''} { ${field} }`;
    await createClientFor(urls[0] ?? '')({ cookie }).data(document, isOfKey ? { id: keyId } : {});
  };

/** Nobody does anything then: the hour comes, by the clock of the database. */
async function expire({ keyId }: Subject): Promise<void> {
  await database.executeAsOwner(`UPDATE api_key SET expires_at = now() + interval '300 milliseconds' WHERE id = $1`, [
    keyId,
  ]);
  const isOver = 'SELECT clock_timestamp() >= expires_at AS over FROM api_key WHERE id = $1';
  while ((await database.executeAsOwner(isOver, [keyId])).rows[0]?.over !== true) await delay(5);
}

interface Change {
  readonly what: string;
  /** Resolves when whoever asked for the change has been answered. */
  readonly make: (subject: Subject) => Promise<unknown>;
  readonly code: string;
  readonly reason?: string;
}

const changes: readonly Change[] = [
  {
    what: 'revoked',
    make: byMutation('revokeApiKey(input: { id: $id }) { apiKey { status } }'),
    code: 'UNAUTHENTICATED',
    reason: 'REVOKED',
  },
  {
    what: 'revoked on the command line',
    make: ({ keyId }) => place.json(['keys', 'revoke', keyId]),
    code: 'UNAUTHENTICATED',
    reason: 'REVOKED',
  },
  {
    what: 'suspended',
    make: byMutation('suspendApiKey(input: { id: $id }) { apiKey { status } }'),
    code: 'UNAUTHENTICATED',
    reason: 'SUSPENDED',
  },
  {
    what: 'narrowed',
    make: byMutation('updateApiKey(input: { id: $id, scopes: ["contacts:read"] }) { apiKey { scopes } }'),
    code: 'FORBIDDEN',
  },
  {
    what: 'given another list of addresses',
    make: byMutation('updateApiKey(input: { id: $id, allowedIps: ["203.0.113.0/24"] }) { apiKey { allowedIps } }'),
    code: 'IP_NOT_ALLOWED',
  },
  { what: 'expired', make: expire, code: 'UNAUTHENTICATED', reason: 'EXPIRED' },
  {
    what: 'rotated without grace',
    make: byMutation('rotateApiKey(input: { id: $id, graceSeconds: 0 }) { apiKey { id } }'),
    code: 'UNAUTHENTICATED',
    reason: 'ROTATED',
  },
  {
    what: 'in a suspended workspace',
    make: byMutation('suspendWorkspace { workspace { status } }'),
    code: 'UNAUTHENTICATED',
    reason: 'SUSPENDED',
  },
  {
    what: 'in a workspace that lets keys read only',
    make: byMutation('updateWorkspace(input: { keysReadOnly: true }) { workspace { keysReadOnly } }'),
    code: 'FORBIDDEN',
  },
];

// Takes a scope that narrowing and keysReadOnly take away, and changes nothing.
const query = 'mutation { updateContact(input: { id: "ctc_00000000000000000000000000" }) { contact { id } } }';

const isAccepted = ({ status }: Asked): boolean => status === 200;

describe(`on ${PROCESSES} processes, a key that is`, () => {
  it.each(changes)('$what is accepted by none of them from then on', async ({ make, code, reason, what }) => {
    const each = code === 'FORBIDDEN' ? AUDITED_EACH : AFTERWARDS_EACH;
    const subject = await newSubject(what.replaceAll(' ', '-'));
    const from = `198.51.100.${1 + changes.findIndex((change) => change.what === what)}`;
    const asked = await pelt(lines, { key: subject.key, query, from }, each, () => make(subject));
    for (const { before, afterwards } of asked) {
      // The process did know the key, or its refusals would prove nothing.
      expect(before.some(isAccepted)).toBe(true);
      expect(afterwards.length).toBeGreaterThanOrEqual(each);
      expect(afterwards.filter(isAccepted)).toEqual([]);
      // Whoever goes on knocking may be told to wait; nothing else is heard.
      const heard = new Set(
        afterwards.map((one) => (one.status === 429 ? 'RATE_LIMITED' : `${one.code} ${one.reason}`)),
      );
      heard.delete('RATE_LIMITED');
      expect([...heard]).toEqual([`${code} ${reason ?? null}`]);
    }
  });
});
