// Once per run: a migrated, empty embedded database as a dump, which each test file loads. It is kept between runs as
// long as neither the migrations nor PGlite change.
import './provided.js';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { TestProject } from 'vitest/node';
import { migrationConnection } from '../../src/db/embedded.js';
import { applyMigrations } from '../../src/db/migrate.js';
import { packageRoot, readMigrations } from '../../src/db/migration-files.js';
import { openSession } from '../../src/db/single-session.js';

export default async function setup(project: TestProject): Promise<void> {
  project.provide('engine', 'embedded');
  project.provide('templateFile', await embeddedTemplate());
}

async function embeddedTemplate(): Promise<string> {
  const root = packageRoot();
  const hash = createHash('sha256').update(readFileSync(join(root, 'node_modules/@electric-sql/pglite/package.json')));
  for (const { name, checksum } of readMigrations()) hash.update(name).update(checksum);

  const folder = join(root, 'node_modules', '.cache', 'sallyport', 'templates');
  const file = join(folder, `${hash.digest('hex').slice(0, 16)}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) if (old.endsWith('.tar')) rmSync(join(folder, old), { force: true });

  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, await dumpMigrated());
  renameSync(draft, file);
  return file;
}

async function dumpMigrated(): Promise<Buffer> {
  const pglite = await PGlite.create();
  const onFatal = (line: string) => {
    throw new Error(line);
  };
  await applyMigrations(migrationConnection(openSession(pglite, { onFatal })));
  const dump = await pglite.dumpDataDir('none');
  await pglite.close();
  return Buffer.from(await dump.arrayBuffer());
}
