import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../src/db/migration-files.js';
import { printSdl } from '../../src/graphql/print.js';
import { schema } from '../../src/schema.js';
import { buildOnce, openPlace, type Place } from './sallyport.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
beforeAll(async () => {
  await buildOnce();
  place = openPlace();
});
afterAll(() => place?.remove());

const commands = [
  ['serve'],
  ['worker'],
  ['migrate'],
  ['bootstrap'],
  ['demo'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'rotate'],
  ['keys', 'revoke'],
  ['keys', 'import'],
  ['credits', 'top-up'],
  ['audit', 'verify'],
  ['schema', 'print'],
  ['schema', 'check'],
  ['access', 'explain'],
  ['doctor'],
];

describe('the command line', () => {
  it('explains every command, with an example and --json', async () => {
    const helps = await Promise.all(commands.map((command) => place.run([...command, '--help'])));
    for (const [i, { code, stdout }] of helps.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain('--json');
      expect(stdout).toContain(`$ sallyport ${commands[i]?.join(' ')}`);
    }
  });

  it.each([
    ['an unknown command', ['keyes'], "unknown command 'keyes'"],
    ['no command of a group', ['keys'], 'Usage: sallyport keys'],
    ['a missing flag', ['credits', 'top-up', '--credits', '5'], '--workspace'],
    ['a number that is none', ['credits', 'top-up', '--workspace', 'wsp_', '--credits', '5.5'], 'whole number'],
    ['a kind that is none', ['keys', 'create', '--workspace', 'w', '--name', 'n', '--kind', 'all'], 'account, agent'],
  ])('ends with 2 at %s, and says so', async (_, args, words) => {
    const { code, stdout, stderr } = await place.run(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(words);
  });

  it('answers a usage error in JSON where JSON was asked for', async () => {
    const { code, stdout } = await place.run(['credits', 'top-up', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it.each([
    ['serve', { PORT: 'x' }, 'PORT'],
    ['doctor', { KEY_BRAND: 'SP' }, 'KEY_BRAND'],
    ['demo', { SMTP_URL: 'http://mail' }, 'SMTP_URL'],
    ['worker', {}, 'DATABASE_URL'],
    ['serve', { DATABASE_URL: 'postgresql://localhost/x' }, 'SALLYPORT_SECRET'],
  ])('ends %s with 2 and one line at a bad configuration (%o)', async (command, env, variable) => {
    const { code, stdout, stderr } = await place.run([command], env);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^sallyport: ${variable} [^\n]+\n$`));
  });

  it('reads a flag before the environment, and the environment before .env', async () => {
    writeFileSync(join(place.dataDir, '..', '.env'), 'HOST=not a host\nPORT=70000\n');
    const badFile = await place.run(['serve'], { PORT: '1' });
    expect(badFile.stderr).toContain('HOST');
    const badFlag = await place.run(['serve', '--port', '70001'], { HOST: '127.0.0.1', PORT: '0' });
    expect(badFlag.stderr).toContain('PORT must be a whole number from 0 to 65535');
    writeFileSync(join(place.dataDir, '..', '.env'), '');
  });

  it('refuses a data folder that cannot be written, in one line', async () => {
    const file = join(place.dataDir, '..', 'a-file');
    writeFileSync(file, '');
    const { code, stderr } = await place.run(['serve'], { DATA_DIR: join(file, 'data') });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^sallyport: DATA_DIR: [^\n]+ cannot be written [^\n]+ set DATA_DIR to a folder that is\.\n$/,
    );
  });

  it('doctor says what is set and what stands in the way, and never a secret', async () => {
    const secrets = { SMTP_URL: 'smtp://me:hunter22@mail.example:587', MODEL_API_KEY: 'hunter33' };
    const { code, stdout } = await place.run(['doctor', '--json'], secrets);
    expect(code).toBe(0);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; state: string }[] };
    expect(ok).toBe(true);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'e-mail', state: 'ok' }));
    expect(checks).toContainEqual(expect.objectContaining({ name: 'model', state: 'off' }));
    expect(stdout).not.toContain('hunter');

    const env = {
      DATABASE_URL: 'postgresql://me:hunter44@127.0.0.1:1/none',
      SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    };
    const down = await place.run(['doctor'], env);
    expect(down.code).toBe(1);
    expect(down.stdout).toMatch(/^problem +database +PostgreSQL at 127\.0\.0\.1:1\/none: /m);
    expect(down.stdout).not.toContain('hunter');
  });

  it('verifies an exported trail with the file and a key alone, also one of version 1', async () => {
    const file = join(packageRoot(), 'test', 'audit', 'export-version-1.jsonl');
    const key = ['--public-key', 'XTJSdpTkLN4iMio7YN_swwN6F0ntvsuE5gua50HkDQ0', '--json'];
    const { code, stdout } = await place.run(['audit', 'verify', '--file', file, ...key]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, linked: 8, tail: 1 }]);
    const edited = join(place.dataDir, '..', 'edited.jsonl');
    writeFileSync(edited, readFileSync(file, 'utf8').replace('"agent.create"', '"agent.update"'));
    const found = await place.run(['audit', 'verify', '--file', edited, ...key]);
    expect([found.code, JSON.parse(found.stdout)]).toMatchObject([
      1,
      { ok: false, problems: [{ kind: 'edited', seq: 2 }] },
    ]);
  });

  it('prints the schema, whole', async () => {
    const { code, stdout } = await place.run(['schema', 'print']);
    expect(code).toBe(0);
    expect(stdout).toBe(printSdl(schema));
    const { sdl } = await place.json<{ sdl: string }>(['schema', 'print']);
    expect(sdl).toBe(stdout);
  });
});
