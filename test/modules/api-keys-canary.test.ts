// A secret goes through everything that a client may do with it, right and wrong; then everything that is kept is read.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type App, createApp, ownersAudit } from '../../src/app.js';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { hashKey, keyPatterns } from '../../src/auth/key-format.js';
import { loadConfig } from '../../src/config.js';
import { createLogger } from '../../src/platform/logger.js';
import { createClientFor } from '../support/client.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';
import { OWNER } from '../support/harness.js';
import { asking, type Made } from './api-keys-asking.js';

const lines: string[] = [];
let database: TestDatabase;
let app: App;
let url: string;
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-canary-'));
  database = await openTestDatabase();
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ level: 'trace', secretPatterns: keyPatterns, destination });
  const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'trace' });
  app = await createApp({ config, database, log, signInAttemptsMax: 10_000 });
  url = await app.listen();
  await app.work();
  await bootstrap({ database, audit: ownersAudit }, { org: 'Halberd', workspace: 'Shop', name: 'Olive', ...OWNER });
});
afterAll(async () => {
  await app?.stop(5_000);
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Every table of every schema of ours, the queue's included. */
async function dump(): Promise<string> {
  const { rows } = await database.executeAsOwner(`SELECT format('%I.%I', table_schema, table_name) AS name
    FROM information_schema.tables WHERE table_schema IN ('public', 'pgboss') AND table_type = 'BASE TABLE'`);
  const texts: string[] = [];
  for (const { name } of rows) {
    const table = await database.executeAsOwner(`SELECT string_agg(t::text, E'\\n') AS text FROM ${String(name)} t`);
    // The one place of the hash, which only the look-up reads.
    if (name !== 'public.api_key_secret') texts.push(`${String(name)}: ${String(table.rows[0]?.text ?? '')}`);
    else expect(String(table.rows[0]?.text)).not.toContain('sp_acct_');
  }
  return texts.join('\n');
}

async function signIn() {
  const response = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify(OWNER),
  });
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  return createClientFor(url)({ cookie });
}

it('is found where it was shown, and nowhere else', async () => {
  const owner = await signIn();
  const make = async (): Promise<Made> => {
    const input = { kind: 'ACCOUNT', name: 'Canary', scopes: ['contacts:write', 'messages:send'] };
    return (await owner.data<{ createApiKey: Made }>(asking.create, { input })).createApiKey;
  };
  const first = await make();
  const rotated = await owner.data<{ rotateApiKey: Made }>(asking.rotate, { input: { id: first.apiKey.id } });
  const secrets = [first.key, rotated.rotateApiKey.key];
  const answers: string[] = [];
  const note = async (response: Response) => {
    answers.push(`${JSON.stringify([...response.headers])} ${await response.text()}`);
  };
  for (const key of secrets) {
    const post = (body: string, headers: Record<string, string> = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
        body,
      }).then(note);
    const ask = (query: string, variables: object = {}, headers = {}) =>
      post(JSON.stringify({ query, variables }), headers);
    await ask('{ me { kind key { name start scopes } } }');
    await ask('mutation { createContact(input: { name: "Ann" }) { contact { id } } }');
    await ask('mutation { createAgent(input: { name: "A", instructions: "B" }) { agent { id } } }');
    await ask('{ agents { totalCount } }', {}, { 'user-agent': `client ${key}`, 'x-request-id': key.slice(0, 30) });
    await ask('{ nonsense }', {}, { 'x-api-key': key, referer: `https://example.com/?k=${key}` });
    await ask('{ me { kind } }', {}, { 'x-api-key': `${key}x` });
    await ask('query Q($id: ID!) { contact(id: $id) { id } }', { id: key });
    await ask('query Q($n: Int!) { contacts(first: $n) { totalCount } }', { n: key });
    await ask(`{ ${key} }`);
    await post(`{"query": "${key}`);
    await fetch(`${url}/graphql?query={me{kind}}&key=${key}`, { headers: { accept: 'application/json' } }).then(note);
    await fetch(`${url}/nothing/${key}`).then(note);
  }
  const { id } = first.apiKey;
  for (const mutation of ['suspend', 'resume', 'revoke'] as const) {
    answers.push((await owner.ask(asking[mutation], { input: { id } })).text);
    for (const key of secrets) answers.push((await createClientFor(url)({ key }).ask('{ me { kind } }')).text);
  }
  answers.push(
    (await owner.ask('{ apiKeys(status: null) { nodes { name start } } auditEntries { nodes { action details } } }'))
      .text,
  );
  answers.push((await owner.ask(asking.delete, { input: { id } })).text);
  answers.push(await (await fetch(`${url}/metrics`)).text());
  await new Promise((resolve) => setTimeout(resolve, 1_300));

  const files = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const kept = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  );
  const places = { database: await dump(), log: lines.join('\n'), files: kept.join('\n'), answers: answers.join('\n') };
  expect(places.database).toContain(first.apiKey.start);
  expect(lines.length).toBeGreaterThan(5);
  for (const key of secrets) {
    const hash = hashKey(key);
    // What only the caller said to itself, in its own answer, is told back by nothing either.
    const tells = [key, key.slice(12), hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')];
    for (const [place, text] of Object.entries(places)) {
      for (const tell of tells) {
        const at = text.indexOf(tell);
        expect(at < 0 ? '' : text.slice(Math.max(0, at - 120), at + 60), `in the ${place}`).toBe('');
      }
    }
  }
});
