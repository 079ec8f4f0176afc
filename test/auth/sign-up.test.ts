import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type App, createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { mailedToken, openBrowser } from '../support/browser.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let app: App;
let database: TestDatabase;
let url: string;
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-test-'));
  database = await openTestDatabase();
  const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: process.env.TEST_LOG ?? 'fatal' });
  app = await createApp({ config, database, signInAttemptsMax: 10_000 });
  url = await app.listen();
  await app.work();
}, 120_000);
afterAll(async () => {
  await app?.stop(5_000);
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const request = {
  organization: 'Halberd Cycles',
  workspace: 'Shop',
  name: 'Olive Owner',
  email: 'Olive@Halberd.example',
  password: 'correct horse battery',
};

it('the first owner signs up with the token of the start, once, whoever is faster', async () => {
  const link = new URL((await app.firstOwnerUrl()) ?? '');
  expect(link.origin).toBe(url);
  const token = link.searchParams.get('token') ?? '';
  for (const [field, value] of [
    ['email', 'nobody'],
    ['password', 'short'],
    ['organization', ' '],
    ['workspace', 'x'.repeat(101)],
    ['name', ''],
  ] as const) {
    const refused = await openBrowser(url).post('/sign-up/owner', { ...request, token, [field]: value });
    expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT', field } });
  }
  const wrong = await openBrowser(url).post('/sign-up/owner', { ...request, token: 'x'.repeat(43) });
  expect(wrong).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  expect(await database.owner.user.count()).toBe(0);

  const browsers = [openBrowser(url), openBrowser(url), openBrowser(url)];
  const answers = await Promise.all(
    browsers.map((browser, index) =>
      browser.post('/sign-up/owner', { ...request, email: `${index}${request.email}`, token }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
  expect([await database.owner.user.count(), await database.owner.organization.count()]).toEqual([1, 1]);
  const browser = browsers.find((_, index) => answers[index]?.status === 200) ?? openBrowser(url);
  const { me } = await browser
    .client()
    .data<{ me: object }>('{ me { role organization { name } workspace { name } } }');
  expect(me).toEqual({ role: 'OWNER', organization: { name: 'Halberd Cycles' }, workspace: { name: 'Shop' } });

  const actions = (await database.owner.auditEntry.findMany({ orderBy: { id: 'asc' } })).map(({ action }) => action);
  expect(actions).toEqual(
    expect.arrayContaining(['organization.create', 'member.create', 'workspace.create', 'session.create']),
  );
  expect(await app.firstOwnerUrl()).toBeNull();
  const late = await openBrowser(url).post('/sign-up/owner', { ...request, token });
  expect(late.body).toMatchObject({ code: 'FORBIDDEN', message: wrong.body.message });
});

it('the address of the first owner is verified by mail', async () => {
  const user = await database.owner.user.findFirstOrThrow();
  expect(user.emailVerified).toBe(false);
  const token = await mailedToken(dataDir, user.email);
  expect((await openBrowser(url).post('/verify-email', { token })).status).toBe(200);
  expect(await database.owner.user.findFirstOrThrow()).toMatchObject({ emailVerified: true });
});
