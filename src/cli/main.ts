// `sallyport`: the table of commands. Each is a file of its own that imports its work when it runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { packageRoot } from '../db/migration-files.js';
import { addAccessExplain } from './access-explain.js';
import { addAuditExport } from './audit-export.js';
import { addAuditPrune } from './audit-prune.js';
import { addAuditVerify } from './audit-verify.js';
import { addBootstrap } from './bootstrap.js';
import { addCreditsTopUp } from './credits-top-up.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { failureOf } from './failure.js';
import { addKeysCreate } from './keys-create.js';
import { addKeysImport } from './keys-import.js';
import { addKeysList } from './keys-list.js';
import { addKeysRevoke } from './keys-revoke.js';
import { addKeysRotate } from './keys-rotate.js';
import { addMigrate } from './migrate.js';
import { flushed, printFailure } from './output.js';
import { addSchemaCheck } from './schema-check.js';
import { addSchemaPrint } from './schema-print.js';
import { addServe } from './serve.js';
import { addWorker } from './worker.js';

const usageExit = 2;

function program(): Command {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  const sallyport = new Command('sallyport')
    .description('A GraphQL API for workspaces in which AI agents talk to people. Settings: see .env.example.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'sallyport: ')) })
    .addHelpText('after', '\nExample:\n  $ sallyport serve\n\nExit codes: 0 done, 1 failed, 2 usage or configuration.');
  addServe(sallyport);
  addWorker(sallyport);
  addMigrate(sallyport);
  addBootstrap(sallyport);
  addDemo(sallyport);
  const keys = sallyport.command('keys').description('make, list, rotate, revoke and import API keys');
  addKeysCreate(keys);
  addKeysList(keys);
  addKeysRotate(keys);
  addKeysRevoke(keys);
  addKeysImport(keys);
  addCreditsTopUp(sallyport.command('credits').description('add credits to a workspace'));
  const audit = sallyport.command('audit').description('export, verify and prune the audit trail');
  addAuditVerify(audit);
  addAuditExport(audit);
  addAuditPrune(audit);
  const schema = sallyport.command('schema').description('print or check the GraphQL schema');
  addSchemaPrint(schema);
  addSchemaCheck(schema);
  addAccessExplain(sallyport.command('access').description('say what an operation takes'));
  addDoctor(sallyport);
  return sallyport;
}

/** commander has said it for people already. */
function usageFailure(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0) return 0;
  if (args.includes('--json')) {
    const message = error.message.replace(/^error: /, '');
    process.stdout.write(`${JSON.stringify({ error: { code: 'USAGE', message } })}\n`);
  }
  return usageExit;
}

// The reader of a pipe may leave early, as `head` does.
process.stdout.on('error', () => process.exit(0));
process.on('uncaughtException', (error) => {
  const failure = failureOf(error);
  printFailure(failure, false);
  process.exit(failure.exitCode);
});

const args = process.argv.slice(2);
await program()
  .parseAsync(args, { from: 'user' })
  .catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = usageFailure(error, args);
  });
await flushed();
process.exit();
