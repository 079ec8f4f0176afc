// What a server would find at its start, one line each: what is set, what is not, and what stands in the way. Nothing is
// changed, and no secret is shown.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config.js';
import { parseDatabaseUrl, placeOf } from '../db/connection-url.js';
import { pendingMigrations } from '../db/migrate.js';
import { readMigrations } from '../db/migration-files.js';

export interface Check {
  readonly name: string;
  /** `off`: not set, and nothing is wrong with that. */
  readonly state: 'ok' | 'off' | 'problem';
  readonly detail: string;
}

export interface Inspection {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** One statement as the owner of the tables. */
export type Ask = (text: string) => Promise<Record<string, unknown>[]>;

/** @param ask null: an embedded database that no start has made yet */
export async function inspect(config: Config, ask: Ask | null): Promise<Inspection> {
  const checks = [...configChecks(config), ...(await databaseChecks(config, ask)), ...providerChecks(config)];
  return { ok: checks.every(({ state }) => state !== 'problem'), checks };
}

const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail });
const off = (name: string, detail: string): Check => ({ name, state: 'off', detail });
const problem = (name: string, detail: string): Check => ({ name, state: 'problem', detail });

function configChecks(config: Config): Check[] {
  const { current, previous } = config.secrets;
  const origins = config.allowedOrigins.length;
  return [
    ok('node', process.version),
    ok('configuration', `listens on ${config.host}:${config.port === 0 ? 'any free port' : config.port}`),
    dataFolderCheck(config.dataDir),
    ok(
      'secret',
      current === null ? 'kept in the data folder' : `SALLYPORT_SECRET${previous === null ? '' : ', rotating'}`,
    ),
    origins === 0
      ? off('other origins', 'ALLOWED_ORIGINS is not set: only our own pages may use a session')
      : ok('other origins', `${origins} may use a session`),
  ];
}

function dataFolderCheck(dataDir: string): Check {
  let place = dataDir;
  while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
  try {
    if (!statSync(place).isDirectory()) return problem('data folder', `${place} is not a folder: set DATA_DIR to one`);
    accessSync(place, constants.W_OK);
    return ok('data folder', dataDir);
  } catch {
    return problem('data folder', `${place} may not be written: make it writable, or set DATA_DIR to one that is`);
  }
}

async function databaseChecks({ databaseUrl }: Config, ask: Ask | null): Promise<Check[]> {
  const place = databaseUrl === null ? 'embedded' : `PostgreSQL at ${placeOf(parseDatabaseUrl(databaseUrl))}`;
  if (ask === null) return [off('database', `${place}; the first start makes it`)];
  try {
    const [version] = await ask('SHOW server_version');
    const pending = await pendingMigrations({ executeAsOwner: async (text) => ({ rows: await ask(text) }) });
    return [
      ok('database', `${place}, version ${String(version?.server_version)}`),
      pending.length === 0
        ? ok('migrations', `${readMigrations().length} applied`)
        : off('migrations', `${pending.length} to apply; \`sallyport migrate\` or the next start does`),
      await roleCheck(ask),
    ];
  } catch (error) {
    return [problem('database', `${place}: ${error instanceof Error ? error.message : String(error)}`)];
  }
}

async function roleCheck(ask: Ask): Promise<Check> {
  const rows = await ask(
    `SELECT pg_has_role(current_user, oid, 'MEMBER') AS is_member FROM pg_roles WHERE rolname = 'sallyport_app'`,
  );
  if (rows.length === 0) return off('roles', 'sallyport_app is not there yet; the first migration makes it');
  return rows[0]?.is_member === true
    ? ok('roles', 'sallyport_app is there, and the user of the database may become it')
    : problem('roles', 'the user of the database may not become sallyport_app: GRANT sallyport_app TO that user');
}

function providerChecks({ hasSharedProviders, smtp, model, smsUrl, voiceUrl }: Config): Check[] {
  if (!hasSharedProviders) return [off('providers', 'SHARED_PROVIDERS=off: e-mail and model requests are captured')];
  const captured = 'is not set: captured in the outbox of the data folder';
  return [
    smtp.url === null ? off('e-mail', `SMTP_URL ${captured}`) : ok('e-mail', `SMTP_URL, ${new URL(smtp.url).host}`),
    model.url === null ? off('model', `MODEL_URL ${captured}`) : ok('model', `MODEL_URL, ${new URL(model.url).host}`),
    smsUrl === null ? off('SMS', `SMS_URL ${captured}`) : off('SMS', 'SMS_URL is set and not used yet'),
    voiceUrl === null ? off('voice', 'VOICE_URL is not set') : off('voice', 'VOICE_URL is set and not used yet'),
  ];
}
