// Where the schema and its migrations lie, in a checkout and in an installed package alike: beside package.json, which
// the code finds by going up from wherever it was bundled to.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Migration {
  /** The folder's name, for example `20261122000000_role`; migrations run in the order of their names. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the text, hex, as Prisma keeps it in `_prisma_migrations`. */
  readonly checksum: string;
}

export interface SchemaFile {
  readonly path: string;
  readonly content: string;
}

/** The folder that holds package.json and `prisma/`. */
export function packageRoot(from: string = fileURLToPath(import.meta.url)): string {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'prisma', 'migrations')) && existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder))
      throw new Error('prisma/migrations is missing from this installation of Sallyport.');
  }
}

export function readMigrations(folder: string = join(packageRoot(), 'prisma', 'migrations')): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      // A checkout that turned line ends must not make another migration of it.
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8').replaceAll('\r\n', '\n');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

export function readSchema(folder: string = join(packageRoot(), 'prisma')): SchemaFile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.prisma'))
    .sort()
    .map((path) => ({ path, content: readFileSync(join(folder, path), 'utf8') }));
}
