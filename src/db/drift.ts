// Compares the migrations with the schema, in two throw-away databases in memory. What Prisma cannot see (roles,
// policies, grants, functions) is written by hand and is not undone.
import { PGlite } from '@electric-sql/pglite';
import { migrationConnection } from './embedded.js';
import type { Migration, SchemaFile } from './migration-files.js';
import { driftByEngine, type EngineConnection, openEngine } from './schema-engine.js';
import { openSession } from './single-session.js';

/** The SQL that leads from `migrations` to `schema`; null when they agree. */
export async function findDrift(
  migrations: readonly Migration[],
  schema: readonly SchemaFile[],
): Promise<string | null> {
  const opened: PGlite[] = [];
  const openEmpty = async (): Promise<EngineConnection> => {
    const pglite = await PGlite.create();
    opened.push(pglite);
    const onFatal = (line: string) => {
      throw new Error(line);
    };
    return migrationConnection(openSession(pglite, { onFatal }));
  };
  try {
    const engine = await openEngine({ ...(await openEmpty()), shadow: openEmpty }, schema);
    try {
      return await driftByEngine(engine, migrations, schema);
    } finally {
      engine.free();
    }
  } finally {
    await Promise.all(opened.map((pglite) => pglite.close()));
  }
}

/** The lines that a new workspace-owned table needs beside what Prisma writes, to begin with. */
export function wallsFor(sql: string): string {
  const tables = [...sql.matchAll(/^CREATE TABLE "(\w+)" \(([\s\S]*?)^\);/gm)];
  return tables
    .map(([, table = '', columns = '']) => {
      if (!/^\s*"workspace_id"/m.test(columns)) return `SELECT sallyport_raise_walls('${table}', NULL);\n`;
      const condition = /^\s*"agent_id"/m.test(columns) ? `sallyport_own_agent('agent_id')` : 'sallyport_own_rows()';
      return [
        `SELECT sallyport_raise_walls('${table}', ${condition});\n`,
        `GRANT SELECT, INSERT, UPDATE, DELETE ON "${table}" TO sallyport_app;\n`,
      ].join('');
    })
    .join('');
}
