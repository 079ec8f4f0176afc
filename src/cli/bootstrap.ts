import type { Command } from 'commander';
import { addCommand, wholeNumber } from './command.js';
import { aligned } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface BootstrapOptions {
  readonly org: string;
  readonly workspace: string;
  readonly email: string;
  readonly password: string;
  readonly name?: string;
  readonly credits: number;
}

export const addBootstrap = (parent: Command): void =>
  addCommand<BootstrapOptions>(parent, {
    name: 'bootstrap',
    description: 'make the first owner, organization and workspace; run twice it changes nothing',
    example: 'bootstrap --org Halberd --workspace Shop --email olive@example.com --password "$PASSWORD" --json',
    flags: (command) =>
      command
        .requiredOption('--org <name>', 'the organization')
        .requiredOption('--workspace <name>', 'its first workspace')
        .requiredOption('--email <address>', 'by which the owner signs in')
        .requiredOption('--password <text>', 'at least 8 characters')
        .option('--name <name>', 'how the owner is shown; left out: the address before the @')
        .option('--credits <number>', 'what the workspace may spend', wholeNumber, 1_000),
    run: async ({ org, workspace, email, password, name = null, credits }, output) => {
      const request = { org, workspace, email, password, name, credits };
      const { organizationId, workspaceId, userId } = await perform(loadSettings(), 'bootstrap', request);
      output.print({
        json: { organizationId, workspaceId, userId },
        lines: aligned([
          ['organization', organizationId],
          ['workspace', workspaceId],
          ['user', userId],
        ]),
      });
      return 0;
    },
  });
