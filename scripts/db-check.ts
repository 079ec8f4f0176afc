// `npm run db:check`: fails when prisma/*.prisma says what no migration does yet.
import { findDrift } from '../src/db/drift.js';
import { readMigrations, readSchema } from '../src/db/migration-files.js';

const sql = await findDrift(readMigrations(), readSchema());
if (sql !== null) {
  process.stderr.write(`The schema has what the migrations lack; write it with npm run db:migration NAME:\n\n${sql}`);
  process.exit(1);
}
process.stdout.write('The migrations lead to the schema.\n');
