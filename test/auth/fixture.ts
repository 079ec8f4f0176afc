// A database with one owner and one workspace, and everything of auth/ opened on it as app.ts does.
import { ownersAudit } from '../../src/app.js';
import { openApiKeyDoor } from '../../src/auth/api-key.js';
import type { RecordAuthAudit } from '../../src/auth/audit-port.js';
import { openDoors } from '../../src/auth/authenticate.js';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { createKey } from '../../src/auth/create-key.js';
import type { Credentials } from '../../src/auth/credentials.js';
import type { KeyRequest } from '../../src/auth/key-request.js';
import { openKeyUsage } from '../../src/auth/key-usage.js';
import type { PersonMail } from '../../src/auth/mail-port.js';
import type { Principal } from '../../src/auth/principal.js';
import { openSessionDoor } from '../../src/auth/session.js';
import { openSignIn, type SignInOptions } from '../../src/auth/sign-in.js';
import type { Database } from '../../src/db/database.js';
import { systemClock } from '../../src/platform/clock.js';
import { CodedError } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase } from '../support/database.js';

export const BRAND = 'sp';
export const PASSWORD = 'correct horse battery';
export const EMAIL = 'owner@example.com';
export const SECRETS = ['a'.repeat(43), 'b'.repeat(43)];
export const SIGN_UP_SECRET = Buffer.alloc(32, 7);
export const ORIGIN = 'http://127.0.0.1:4000';

export const audit: RecordAuthAudit = ownersAudit;

const nobody: Credentials = {
  authorization: null,
  xApiKey: null,
  cookie: null,
  workspaceId: null,
  ip: '192.0.2.1',
  userAgent: null,
  isFromBrowser: false,
};

export async function openAuthFixture() {
  const database = await openTestDatabase();
  const calls: string[] = [];
  const mails: PersonMail[] = [];
  const counted: Pick<Database, 'shortQuery' | 'queryAsOwner' | 'executeAsOwner'> = {
    shortQuery: (name, text, values) => {
      calls.push(name);
      return database.shortQuery(name, text, values);
    },
    queryAsOwner: (name, text, values) => {
      calls.push(name);
      return database.queryAsOwner(name, text, values);
    },
    executeAsOwner: (text, values) => {
      calls.push(text);
      return database.executeAsOwner(text, values);
    },
  };
  const place = await bootstrap(
    { database, audit },
    { org: 'Acme', workspace: 'Main', email: EMAIL, password: PASSWORD, name: 'Olive Owner' },
  );
  const agentId = newId('agt');
  await database.owner.agent.create({
    data: { workspaceId: place.workspaceId, id: agentId, name: 'Ada', instructions: 'Be kind.' },
  });
  const usage = openKeyUsage(database, systemClock, (error) => {
    throw error;
  });
  const authenticate = openDoors({
    apiKeys: openApiKeyDoor(counted, BRAND),
    sessions: openSessionDoor(counted, SECRETS),
    secureOnly: false,
    countUse: usage.count,
  });
  const desk = { database, brand: BRAND, audit };
  return {
    database,
    ...place,
    agentId,
    desk,
    usage,
    /** What was enqueued. */
    mails,
    /** Names or texts of the statements the doors sent. */
    calls,
    enter: (credentials: Partial<Credentials>): Promise<Principal | null> =>
      authenticate({ ...nobody, ...credentials }),
    newKey: (request: Partial<KeyRequest> = {}) =>
      createKey(desk, { workspaceId: place.workspaceId, kind: 'ACCOUNT', name: 'Test', ...request }),
    signIn: (options: Partial<SignInOptions> = {}) =>
      openSignIn({
        database,
        publicUrl: () => ORIGIN,
        allowedOrigins: ['https://console.example.com'],
        secrets: SECRETS,
        signInAttemptsMax: 10_000,
        audit,
        enqueueMail: async (_db, mail) => {
          mails.push(mail);
        },
        oidc: null,
        signUpSecrets: [SIGN_UP_SECRET],
        onError: (error) => {
          throw error;
        },
        ...options,
      }),
    async close() {
      await usage.close();
      await database.close();
    },
  };
}

export type AuthFixture = Awaited<ReturnType<typeof openAuthFixture>>;

/** The coded refusal that the promise ends in; anything else fails the test. */
export const refusalOf = async (promise: Promise<unknown>): Promise<CodedError> => {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof CodedError) return outcome.error;
  throw new Error(`Expected a coded refusal, got ${JSON.stringify(outcome)}.`, {
    cause: 'error' in outcome ? outcome.error : undefined,
  });
};

/** Every row of every table as text, by table. */
export async function dumpTables(database: Database): Promise<Map<string, string>> {
  const { rows } = await database.executeAsOwner(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  );
  const dump = new Map<string, string>();
  for (const { name } of rows as { name: string }[]) {
    const table = await database.executeAsOwner(`SELECT string_agg(t::text, E'\\n') AS text FROM "${name}" t`);
    dump.set(name, String(table.rows[0]?.text ?? ''));
  }
  return dump;
}
