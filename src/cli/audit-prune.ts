import type { Command } from 'commander';
import { addCommand } from './command.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface AuditPruneOptions {
  readonly before: string;
  readonly workspace?: string;
  readonly organization?: string;
}

export const addAuditPrune = (parent: Command): void =>
  addCommand<AuditPruneOptions>(parent, {
    name: 'prune',
    description: 'drop audit entries before a date, as far as a checkpoint that is kept outside closes them',
    example: 'audit prune --before 2026-01-01T00:00:00Z',
    flags: (command) =>
      command
        .requiredOption('--before <time>', 'ISO 8601, such as 2026-01-01T00:00:00Z; what is younger stays')
        .option('--workspace <id>', 'the trail of one workspace; left out: every trail')
        .option('--organization <id>', 'the trail of one organization'),
    run: async ({ before, workspace, organization }, output) => {
      const pruned = await perform(loadSettings(), 'audit.prune', {
        before,
        workspaceId: workspace ?? null,
        organizationId: organization ?? null,
      });
      const trails = pruned.trails.filter(({ upTo }) => upTo !== null);
      output.print({
        json: pruned,
        lines: [
          pruned.dropped === 0
            ? 'Nothing that old is closed by a checkpoint that is kept outside (AUDIT_CHECKPOINTS).'
            : `Dropped ${pruned.dropped} entries of ${trails.length} trails.`,
        ],
      });
      return 0;
    },
  });
