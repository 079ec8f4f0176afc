// The app on a real database, listening on loopback, and clients that speak GraphQL over HTTP as a principal. Tests never
// call resolvers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type AppOptions, createApp, ownersAudit } from '../../src/app.js';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { createKey } from '../../src/auth/create-key.js';
import type { KeyRequest } from '../../src/auth/key-request.js';
import { loadConfig } from '../../src/config.js';
import type { Role } from '../../src/guard/roles.js';
import { newId } from '../../src/platform/ids.js';
import { type Client, type Credential, createClientFor } from './client.js';
import { openTestDatabase, type TestDatabase, type TestWalls } from './database.js';

export const OWNER = { email: 'olive@halberd.example', password: 'correct horse battery staple' };

/** Most suites ask more than any plan allows; those about limits set their own PLAN_LIMITS. */
const UNLIMITED = { rpm: 1_000_000, rpd: 100_000_000, costMax: 100_000_000, costPerSecond: 100_000_000 };

export interface HarnessOptions
  extends Partial<Pick<AppOptions, 'preflight' | 'rules' | 'clock' | 'addressLimits' | 'approverMail' | 'log'>> {
  readonly walls?: TestWalls;
  readonly env?: Readonly<Record<string, string>>;
  /** False: effects stay queued until the test starts a worker itself. */
  readonly works?: boolean;
}

export interface Place {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly userId: string;
}

export interface Harness {
  readonly app: App;
  readonly database: TestDatabase;
  readonly url: string;
  readonly dataDir: string;
  /** The first owner's organization and workspace. */
  readonly place: Place;
  /** Another organization with a workspace of its own. */
  addPlace(name: string): Promise<Place & { readonly email: string; readonly password: string }>;
  /** A person with a role in an organization, able to sign in. */
  addPerson(role: Role, place?: Place): Promise<{ userId: string; email: string; password: string }>;
  createKey(
    request: Omit<KeyRequest, 'workspaceId' | 'name'> & { workspaceId?: string; name?: string },
  ): Promise<{ id: string; key: string }>;
  /** A client that sends this key, this cookie, or nothing. */
  as(credential: Credential): Client;
  signIn(person?: { email: string; password: string }): Promise<Client>;
  stop(): Promise<void>;
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sallyport-test-'));
  const database = await openTestDatabase(options.walls === undefined ? {} : { walls: options.walls });
  const config = loadConfig({
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG ?? 'fatal',
    PLAN_LIMITS: JSON.stringify({ free: UNLIMITED, pro: UNLIMITED, scale: UNLIMITED }),
    ...options.env,
  });
  const app = await createApp({
    config,
    database,
    walls: options.walls === 'rls' ? 'rls-only' : 'both',
    signInAttemptsMax: 10_000,
    addressLimits: options.addressLimits ?? { guesses: 1_000_000, anonymous: 1_000_000 },
    ...(options.preflight === undefined ? {} : { preflight: options.preflight }),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    // Most suites let things wait, and want nothing written meanwhile.
    approverMail: options.approverMail ?? { tellAfterMs: 86_400_000 },
  });
  const url = await app.listen();
  if (options.works !== false) await app.work();
  const desk = { database, audit: ownersAudit };
  const place = await bootstrap(desk, { org: 'Halberd Cycles', workspace: 'Shop', name: 'Olive Owner', ...OWNER });
  const as = createClientFor(url);
  return {
    app,
    database,
    url,
    dataDir,
    place,
    as,
    async addPlace(name) {
      const person = { email: `${name.toLowerCase()}@example.com`, password: OWNER.password };
      return { ...(await bootstrap(desk, { org: name, workspace: name, name, ...person })), ...person };
    },
    async addPerson(role, at = place) {
      return addPerson(database, role, at, place);
    },
    async createKey(request) {
      const made = await createKey(
        { ...desk, brand: config.keyBrand, plans: config.plans },
        { workspaceId: place.workspaceId, name: 'test', ...request },
      );
      return { id: made.apiKey.id, key: made.key };
    },
    signIn: async (person = OWNER) => as({ cookie: await signIn(url, person) }),
    async stop() {
      await app.stop(5_000);
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A second person of an organization: signs in with the password of the first owner, whose hash is copied. */
async function addPerson(database: TestDatabase, role: Role, place: Place, first: Place) {
  const userId = newId('usr');
  const email = `${userId}@example.com`;
  const [owner] = await database.owner.account.findMany({ where: { userId: first.userId, providerId: 'credential' } });
  if (owner === undefined) throw new Error('The first owner has no password.');
  await database.owner.user.create({ data: { id: userId, name: `Person ${role}`, email, emailVerified: true } });
  await database.owner.account.create({
    data: { id: newId('acc'), accountId: userId, providerId: 'credential', userId, password: owner.password },
  });
  await database.owner.member.create({
    data: { organizationId: place.organizationId, id: newId('mbr'), userId, role, name: `Person ${role}`, email },
  });
  return { userId, email, password: OWNER.password };
}

/** The cookie. */
export async function signIn(url: string, { email, password }: { email: string; password: string }): Promise<string> {
  const response = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email, password }),
  });
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  if (!response.ok || cookie === '')
    throw new Error(`Signing in failed with ${response.status}: ${await response.text()}`);
  return cookie;
}
