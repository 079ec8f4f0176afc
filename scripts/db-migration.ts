// `npm run db:migration NAME`: writes what the schema has and the migrations lack as the next migration. Read it before
// you commit it: a renamed column looks to Prisma like one dropped and one added.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDrift, wallsFor } from '../src/db/drift.js';
import { packageRoot, readMigrations, readSchema } from '../src/db/migration-files.js';

const [name] = process.argv.slice(2);
if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  process.stderr.write('Usage: npm run db:migration NAME, in lower case with underscores: add_campaigns\n');
  process.exit(2);
}

const sql = await findDrift(readMigrations(), readSchema());
if (sql === null) {
  process.stdout.write('The migrations lead to the schema already; nothing was written.\n');
} else {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join(packageRoot(), 'prisma', 'migrations', `${stamp}_${name}`);
  const walls = wallsFor(sql);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'migration.sql'),
    walls === '' ? sql : `${sql}\n-- Row-level security and grants; narrow them.\n${walls}`,
  );
  process.stdout.write(`${join(folder, 'migration.sql')}\n`);
}
