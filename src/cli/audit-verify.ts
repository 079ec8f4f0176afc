import type { Command } from 'commander';
import { addCommand } from './command.js';
import { aligned, styled } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface AuditVerifyOptions {
  readonly workspace?: string;
}

export const addAuditVerify = (parent: Command): void =>
  addCommand<AuditVerifyOptions>(parent, {
    name: 'verify',
    description: 'read the audit trail from its first entry and say what does not fit; exit 1 when something does not',
    example: 'audit verify --workspace wsp_…',
    flags: (command) => command.option('--workspace <id>', 'one workspace; left out: every one'),
    run: async ({ workspace }, output) => {
      const verified = await perform(loadSettings(), 'audit.verify', { workspaceId: workspace ?? null });
      const { ok, entries, linked, tail, problems } = verified;
      output.print({
        json: verified,
        lines: [
          ok ? styled('green', 'The audit trail holds.') : styled('red', 'The audit trail does not hold.'),
          ...aligned([
            ['entries', String(entries)],
            ['linked', String(linked)],
            ['tail', `${tail}${tail > 0 ? ' (not linked yet)' : ''}`],
            ['problems', String(problems.length)],
          ]),
          ...problems.map(
            ({ workspaceId, kind, seq, message }) => `  ${workspaceId} ${seq ?? '-'} ${kind}: ${message}`,
          ),
        ],
      });
      return ok ? 0 : 1;
    },
  });
