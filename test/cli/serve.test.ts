import { randomBytes } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.js';
import { foreignKey, formatOf, sha256 } from '../modules/api-keys-asking.js';
import { createClientFor } from '../support/client.js';
import { buildOnce, openPlace, type Place, type Served } from './sallyport.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Bootstrapped {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly userId: string;
}

interface Made {
  readonly id: string;
  readonly key: string;
  readonly scopes: string[];
}

const owner = ['--org', 'Halberd', '--workspace', 'Shop', '--email', 'olive@example.com', '--password', 'long enough'];

describe('an embedded server, and the commands beside it', () => {
  let place: Place;
  let served: Served;
  let first: Bootstrapped;

  beforeAll(async () => {
    await buildOnce();
    place = openPlace();
    first = await place.json<Bootstrapped>(['bootstrap', ...owner]);
    served = await place.serve();
  });
  afterAll(() => place?.remove());

  it('bootstrap prints the same the second time, also through the running server', async () => {
    expect(first.workspaceId).toMatch(/^wsp_/);
    expect(await place.json(['bootstrap', ...owner])).toEqual(first);
  });

  it('keys imported beside it open it unchanged, and a file that is none is told', async () => {
    const key = foreignKey('ago_');
    const file = join(place.dataDir, 'keys.json');
    const keys = [{ kind: 'ACCOUNT', name: 'Old', scopes: ['contacts:read'], hash: sha256(key) }];
    writeFileSync(file, JSON.stringify({ format: formatOf(key, 'ago_'), keys }));
    const args = ['keys', 'import', file, '--workspace', first.workspaceId];
    const imported = await place.json<{ keys: { id: string }[] }>(args);
    expect(imported).toMatchObject({ keys: [{ start: 'ago_', scopes: ['contacts:read'] }], warnings: [] });
    await vi.waitFor(async () =>
      expect(await createClientFor(served.url)({ key }).data('{ me { kind } }')).toEqual({
        me: { kind: 'ACCOUNT_KEY' },
      }),
    );
    const again = await place.run([...args, '--json']);
    expect([again.code, JSON.parse(again.stdout).error.code]).toEqual([1, 'CONFLICT']);
    await place.json(['keys', 'revoke', imported.keys[0]?.id ?? '']);
    writeFileSync(file, 'not JSON');
    expect((await place.run([...args, '--json'])).code).toBe(2);
  });

  it('keys made beside it work at once, are listed without their secret, and end at once', async () => {
    const scopes = ['--scopes', 'read:contacts,agents:write'];
    const args = ['--workspace', first.workspaceId, '--kind', 'account', '--name', 'CRM'];
    const made = await place.json<Made>(['keys', 'create', ...args, ...scopes]);
    expect(made.id).toMatch(/^key_/);
    expect(made.scopes).toEqual(['agents:write', 'contacts:read']);
    const client = createClientFor(served.url)({ key: made.key });
    expect(await client.data('{ me { kind scopes } }')).toMatchObject({ me: { kind: 'ACCOUNT_KEY' } });

    const listed = await place.run(['keys', 'list', '--workspace', first.workspaceId, '--json']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ keys: [{ id: made.id, name: 'CRM', status: 'ACTIVE' }] });
    expect(listed.stdout).not.toContain(made.key.slice(13));

    const rotated = await place.json<Made & { rotationGraceUntil: string }>([
      'keys',
      'rotate',
      made.id,
      '--grace-seconds',
      '60',
    ]);
    expect(rotated).toMatchObject({ id: made.id, rotationGraceUntil: expect.any(String) });
    const later = createClientFor(served.url)({ key: rotated.key });
    expect(await later.data('{ me { key { id } } }')).toEqual({ me: { key: { id: made.id } } });
    expect(await client.data('{ me { key { id } } }')).toEqual({ me: { key: { id: made.id } } });
    await place.json(['keys', 'revoke', made.id]);
    expect(await later.refused('{ me { kind } }')).toMatchObject({ status: 401, extensions: { reason: 'REVOKED' } });
    expect(await client.refused('{ me { kind } }')).toMatchObject({ status: 401, extensions: { reason: 'REVOKED' } });
  });

  it.each([
    [['--kind', 'account', '--scopes', 'contacts:reed'], 'Did you mean contacts:read?'],
    [['--kind', 'account', '--scopes', ''], '--scopes: '],
    [['--kind', 'agent'], '--agent: An agent key needs the id of its agent.'],
    [['--kind', 'account', '--expires-at', 'tomorrow'], '--expires-at: '],
    [['--kind', 'account', '--allowed-ips', '10.0.0.1/8'], '--allowed-ips: '],
  ])('keys create %j is refused with 2, in one line that names the flag', async (flags, words) => {
    const { code, stderr } = await place.run([
      'keys',
      'create',
      '--workspace',
      first.workspaceId,
      '--name',
      'x',
      ...flags,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('credits are added and remembered', async () => {
    const account = ['--workspace', first.workspaceId, '--credits', '500'];
    expect(await place.json(['credits', 'top-up', ...account])).toMatchObject({ balanceCredits: 1_500 });
    const unknown = await place.run(['credits', 'top-up', '--workspace', 'wsp_0', '--credits', '500']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('--workspace: No workspace with this id');
  });

  it('is reached by a socket that its user alone may open', () => {
    const { mode } = statSync(join(place.dataDir, 'sallyport.sock'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('refuses a second process on its folder, naming the first', async () => {
    const { code, stderr } = await place.run(['serve']);
    expect(code).toBe(2);
    expect(stderr).toContain(`in use by process ${served.pid}`);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('doctor and migrate ask it instead of opening the folder', async () => {
    expect(await place.json(['doctor'])).toMatchObject({ ok: true });
    expect(await place.json(['migrate'])).toMatchObject({ applied: [] });
  });

  it('drains at SIGTERM: streams end, the folder is free, exit 0; and the audit trail holds until someone edits it', async () => {
    const { key } = await place.json<Made>([
      'keys',
      'create',
      '--workspace',
      first.workspaceId,
      '--kind',
      'account',
      '--name',
      'stream',
    ]);
    const stream = await fetch(`${served.url}/graphql`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { effectUpdated { id } }' }),
    });
    expect(stream.status).toBe(200);
    const startedAt = performance.now();
    const [{ code, stdout, stderr }, text] = await Promise.all([served.stop(), stream.text()]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(text).toContain('event: complete');
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    for (const file of ['sallyport.sock', 'db.lock']) expect(existsSync(join(place.dataDir, file))).toBe(false);

    const verified = await place.json<{ ok: boolean; linked: number }>(['audit', 'verify']);
    expect(verified.ok).toBe(true);
    expect(verified.linked).toBeGreaterThan(4);
    await tamper(place.dataDir);
    const { code: bad, stdout: report } = await place.run([
      'audit',
      'verify',
      '--workspace',
      first.workspaceId,
      '--json',
    ]);
    expect(bad).toBe(1);
    expect(JSON.parse(report)).toMatchObject({ ok: false, problems: [{ kind: 'edited' }] });
  });

  it('refuses a port that is taken, and leaves the folder to the next', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await place.run(['serve', '--port', String(port), '--json']);
    other.close();
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIGURATION' } });
    expect(stderr).toMatch(new RegExp(`^sallyport: PORT ${port} on 127.0.0.1 is already in use: [^\n]+\n$`));
    expect(existsSync(join(place.dataDir, 'db.lock'))).toBe(false);
  });
});

/** As someone with the database's password would. */
async function tamper(dataDir: string): Promise<void> {
  const database = await openEmbedded({
    dataDir,
    onFatal: (line) => {
      throw new Error(line);
    },
  });
  const [entry] = await database.owner.auditEntry.findMany({ where: { action: 'apiKey.create' }, take: 1 });
  if (entry === undefined) throw new Error('No entry to tamper with.');
  const { workspaceId, id } = entry;
  const requestId = randomBytes(4).toString('hex');
  await database.owner.auditEntry.update({ where: { workspaceId_id: { workspaceId, id } }, data: { requestId } });
  await database.close();
}
