import type { Command } from 'commander';
import { addCommand } from './command.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface AuditExportOptions {
  readonly workspace?: string;
  readonly organization?: string;
  readonly file: string;
}

export const addAuditExport = (parent: Command): void =>
  addCommand<AuditExportOptions>(parent, {
    name: 'export',
    description: 'write the audit trail to a file that `audit verify --file` and any stranger can verify offline',
    example: 'audit export --file audit.jsonl',
    flags: (command) =>
      command
        .option('--workspace <id>', 'the trail of one workspace; left out: every trail')
        .option('--organization <id>', 'the trail of one organization')
        .requiredOption('--file <path>', 'the file to write; it must not be there yet'),
    run: async ({ workspace, organization, file }, output) => {
      const [{ open, rm }, { badInput }] = await Promise.all([
        import('node:fs/promises'),
        import('../platform/errors.js'),
      ]);
      const config = loadSettings();
      const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
        throw badInput(`--file: ${file} cannot be made (${error.code}). Name a file that is not there yet.`);
      });
      let lines = 0;
      let isWhole = false;
      const write = async (text: readonly string[]): Promise<void> => {
        if (text.length > 0) await handle.write(`${text.join('\n')}\n`);
        lines += text.length;
      };
      try {
        const { head, trailIds } = await perform(config, 'audit.export.begin', {
          workspaceId: workspace ?? null,
          organizationId: organization ?? null,
        });
        await write([head]);
        for (const trailId of trailIds) {
          let page = await perform(config, 'audit.export.page', { trailId, place: null });
          await write(page.lines);
          while (page.next !== null) {
            page = await perform(config, 'audit.export.page', { trailId, place: page.next });
            await write(page.lines);
          }
        }
        await handle.sync();
        isWhole = true;
        output.print({
          json: { file, lines, trails: trailIds.length, workspaces: workspaces(trailIds) },
          lines: [`Wrote ${lines} lines of ${trailIds.length} trails to ${file}.`],
        });
      } finally {
        await handle.close();
        // A part of a trail looks like one that was cut.
        if (!isWhole) await rm(file, { force: true });
      }
      return 0;
    },
  });

const workspaces = (trailIds: readonly string[]): number => trailIds.filter((id) => !id.startsWith('org_')).length;
