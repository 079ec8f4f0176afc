import type { Command } from 'commander';
import { addCommand, wholeNumber } from './command.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface TopUpOptions {
  readonly workspace: string;
  readonly credits: number;
}

export const addCreditsTopUp = (parent: Command): void =>
  addCommand<TopUpOptions>(parent, {
    name: 'top-up',
    description: 'add credits to a workspace',
    example: 'credits top-up --workspace wsp_… --credits 500',
    flags: (command) =>
      command
        .requiredOption('--workspace <id>', 'the workspace')
        .requiredOption('--credits <number>', 'how many to add', wholeNumber),
    run: async ({ workspace, credits }, output) => {
      const account = await perform(loadSettings(), 'credits.topUp', { workspaceId: workspace, credits });
      const { balanceCredits, reservedCredits } = account;
      output.print({
        json: account,
        lines: [`The workspace has ${balanceCredits} credits, ${reservedCredits} of them reserved.`],
      });
      return 0;
    },
  });
