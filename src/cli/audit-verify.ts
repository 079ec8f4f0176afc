import type { Command } from 'commander';
import { addCommand } from './command.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';
import { printVerified, summaryOf, type VerifiedTrails } from './verified-trails.js';

interface AuditVerifyOptions {
  readonly workspace?: string;
  readonly organization?: string;
  readonly file?: string;
  readonly publicKey?: string;
  readonly keys?: string;
  readonly checkpoints?: string;
}

export const addAuditVerify = (parent: Command): void =>
  addCommand<AuditVerifyOptions>(parent, {
    name: 'verify',
    description: 'read the audit trail from its first entry and say what does not fit; exit 1 when something does not',
    example: 'audit verify --file audit.jsonl --public-key 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    flags: (command) =>
      command
        .option('--workspace <id>', 'the trail of one workspace of the database; left out: every trail')
        .option('--organization <id>', 'the trail of one organization of the database')
        .option('--file <path>', 'an exported trail instead of the database: needs neither database nor secret')
        .option(
          '--public-key <x>',
          'with --file: the key that signs checkpoints, "x" in /.well-known/sallyport-audit-keys',
        )
        .option('--keys <path>', 'with --file: a copy of that page, where several keys have signed')
        .option('--checkpoints <path>', 'with --file: checkpoints kept outside, as AUDIT_CHECKPOINTS writes them'),
    run: async ({ workspace, organization, ...outside }, output) => {
      const { badInput } = await import('../platform/errors.js');
      const given = [outside.publicKey, outside.keys, outside.checkpoints].some((one) => one !== undefined);
      if (outside.file === undefined && given) throw badInput('--public-key, --keys and --checkpoints take --file.');
      if (outside.file !== undefined && (workspace ?? organization) !== undefined)
        throw badInput('--workspace and --organization take no --file.');
      const verified =
        outside.file === undefined
          ? await perform(loadSettings(), 'audit.verify', {
              workspaceId: workspace ?? null,
              organizationId: organization ?? null,
            })
          : await verifyFile({ ...outside, file: outside.file });
      printVerified(output, verified);
      return verified.ok ? 0 : 1;
    },
  });

/** Offline: the file, the public keys, and nothing else. */
async function verifyFile({
  file,
  publicKey,
  keys,
  checkpoints,
}: Omit<AuditVerifyOptions, 'workspace' | 'organization'> & { readonly file: string }): Promise<VerifiedTrails> {
  const [{ linesOf, readWhole }, { publicKeysOf }, { checkpointsIn }, { verifyExport }, { badInput }] =
    await Promise.all([
      import('./read-file.js'),
      import('../audit/public-keys.js'),
      import('../audit/outside.js'),
      import('../audit/read-export.js'),
      import('../platform/errors.js'),
    ]);
  if ((publicKey === undefined) === (keys === undefined)) {
    throw badInput('--file takes --public-key or --keys: a file that brings its own keys proves nothing.');
  }
  const known = publicKeysOf(publicKey ?? (await readWhole(keys ?? '', '--keys')));
  const outside = checkpoints === undefined ? [] : checkpointsIn(await readWhole(checkpoints, '--checkpoints'));
  const { exportedAt, trails } = await verifyExport(linesOf(file, '--file'), known, outside);
  return { ...summaryOf(trails), exportedAt };
}
