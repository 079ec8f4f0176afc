// The product's own app with less around it, for comparison: `BENCH_RLS` says how much of row-level security stays.
// Bundled twice: as it is, and with the two files of bare/ in place of the door and the second wall.
import { createApp } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import { openServer } from '../src/db/server.js';
import { withoutSettings } from './without-settings.js';

const { BENCH_RLS: rls = 'on', BENCH_PREFLIGHT: preflight = 'on' } = process.env;
const warn = (line: string) => process.stderr.write(`${line}\n`);
const config = loadConfig();
const opened = await openServer({ databaseUrl: config.databaseUrl ?? '', warn, unboundForTests: rls !== 'on' });
const database = rls === 'off' ? withoutSettings(opened) : opened;
const app = await createApp({ config, database, preflight: preflight === 'off' ? 'off' : 'on' });
await app.listen();
process.once('SIGTERM', async () => {
  await app.stop(2_000);
  await database.close();
  process.exit(0);
});
