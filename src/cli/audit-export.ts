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
      const { makeExportFile } = await import('./export-file.js');
      const config = loadSettings();
      const made = await makeExportFile(file);
      try {
        const { head, trailIds } = await perform(config, 'audit.export.begin', {
          workspaceId: workspace ?? null,
          organizationId: organization ?? null,
        });
        await made.write([head]);
        for (const trailId of trailIds)
          await made.writeTrail((place) => perform(config, 'audit.export.page', { trailId, place }));
        await made.finish();
        const { lines } = made;
        output.print({
          json: { file, lines, trails: trailIds.length, workspaces: workspaces(trailIds) },
          lines: [`Wrote ${lines} lines of ${trailIds.length} trails to ${file}.`],
        });
      } finally {
        await made.close();
      }
      return 0;
    },
  });

const workspaces = (trailIds: readonly string[]): number => trailIds.filter((id) => !id.startsWith('org_')).length;
