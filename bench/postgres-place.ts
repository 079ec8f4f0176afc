// Where the bench's databases live: BENCH_DATABASE_URL or TEST_DATABASE_URL, else a server of our own for this run.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../test/support/postgres.js';

export interface PostgresPlace {
  /** For people: which server, which version. */
  readonly title: string;
  /** An empty database, or a copy of one made before that nobody is connected to. */
  createDatabase(name: string, template?: string): Promise<string>;
  /** Drops what was made here, and ends the server when it is ours. */
  close(): Promise<void>;
}

export async function openPostgresPlace(): Promise<PostgresPlace> {
  const given = process.env.BENCH_DATABASE_URL || process.env.TEST_DATABASE_URL;
  const own = given ? null : await startPostgres();
  const serverUrl = own?.adminUrl ?? String(given);
  const prefix = `sallyport_bench_${randomBytes(4).toString('hex')}`;
  const made: string[] = [];
  const onServer = async (text: string) => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, string>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const [version] = await onServer('SHOW server_version');
  return {
    title: `PostgreSQL ${version?.server_version} (${own === null ? 'as given' : 'of our own, fsync off'})`,
    async createDatabase(name, template) {
      const database = `${prefix}_${name}`;
      made.push(database);
      await onServer(`CREATE DATABASE ${database}${template === undefined ? '' : ` TEMPLATE ${prefix}_${template}`}`);
      const url = new URL(serverUrl);
      url.pathname = `/${database}`;
      return url.toString();
    },
    async close() {
      if (own !== null) return own.stop();
      for (const database of made) await onServer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    },
  };
}
