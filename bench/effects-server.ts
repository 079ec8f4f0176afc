// The product's own app for the figures of the sallyport: asked for by one key an effect waits, by the other it leaves at
// once. Bundled twice: as it is, and with an audit recorder that writes nothing.
import { createApp } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import { openServer } from '../src/db/server.js';
import type { ApprovalRule } from '../src/effects/approval-policy.js';

const { BENCH_FREE_KEY = '', BENCH_WORK = 'off' } = process.env;
const warn = (line: string) => process.stderr.write(`${line}\n`);
const config = loadConfig();
const database = await openServer({ databaseUrl: config.databaseUrl ?? '', warn });
const leavesAtOnce: ApprovalRule = {
  ...{ id: 'bench', version: 1, when: { apiKeyIds: [BENCH_FREE_KEY] }, requirement: 'NONE', approvers: [] },
  reason: 'It is measured.',
};
const app = await createApp({ config, database, rules: [leavesAtOnce] });
await app.listen();
if (BENCH_WORK === 'on') await app.work();
process.once('SIGTERM', async () => {
  await app.stop(5_000);
  await database.close();
  process.exit(0);
});
