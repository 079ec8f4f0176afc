import { type Command, Option } from 'commander';
import { addCommand, listOf, wholeNumber } from './command.js';
import { aligned, styled } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface KeysCreateOptions {
  readonly workspace: string;
  readonly kind: 'account' | 'agent';
  readonly agent?: string;
  readonly name: string;
  readonly scopes?: string[];
  readonly allowedIps?: string[];
  readonly expiresAt?: string;
  readonly spendCap?: number;
  readonly spendCapPeriod?: 'lifetime' | 'day' | 'month';
  readonly rpm?: number;
  readonly rpd?: number;
}

const periods: Readonly<Record<string, 'LIFETIME' | 'DAY' | 'MONTH'>> = {
  lifetime: 'LIFETIME',
  day: 'DAY',
  month: 'MONTH',
};

export const addKeysCreate = (parent: Command): void =>
  addCommand<KeysCreateOptions>(parent, {
    name: 'create',
    description: 'make an API key and print it, this once',
    example: 'keys create --workspace wsp_… --kind account --name CRM --scopes contacts:read,messages:send',
    flags: (command) =>
      command
        .requiredOption('--workspace <id>', 'the workspace the key sees')
        .addOption(
          new Option('--kind <kind>', 'account: the workspace; agent: one agent of it')
            .choices(['account', 'agent'])
            .makeOptionMandatory(),
        )
        .option('--agent <id>', 'the agent of an agent key')
        .requiredOption('--name <name>', 'what people know the key by')
        .option('--scopes <list>', 'separated by commas; left out: a few that only read', listOf)
        .option('--allowed-ips <list>', 'addresses and CIDR blocks; left out: any', listOf)
        .option('--expires-at <time>', 'such as 2030-01-31T12:00:00Z; left out: never')
        .option('--spend-cap <credits>', 'the most the key may spend per period', wholeNumber)
        .addOption(
          new Option('--spend-cap-period <period>', 'after which the cap begins anew; left out: lifetime').choices([
            ...['lifetime', 'day', 'month'],
          ]),
        )
        .option('--rpm <requests>', 'requests per minute; left out: as the plan says', wholeNumber)
        .option('--rpd <requests>', 'requests per day; left out: as the plan says', wholeNumber),
    run: async (options, output) => {
      const { key, warnings, ...facts } = await perform(loadSettings(), 'keys.create', {
        workspaceId: options.workspace,
        kind: options.kind === 'agent' ? 'AGENT' : 'ACCOUNT',
        agentId: options.agent ?? null,
        name: options.name,
        scopes: options.scopes ?? null,
        allowedIps: options.allowedIps ?? null,
        expiresAt: options.expiresAt ?? null,
        spendCapCredits: options.spendCap ?? null,
        spendCapPeriod: periods[options.spendCapPeriod ?? ''] ?? null,
        rpm: options.rpm ?? null,
        rpd: options.rpd ?? null,
      });
      const { id, ...rest } = facts;
      output.print({
        json: { id, key, ...rest, warnings },
        lines: [
          ...aligned([
            ['key', styled('bold', key)],
            ['id', id],
            ['name', facts.name],
            ['scopes', facts.scopes.join(' ')],
          ]),
          ...warnings.map((warning) => `warning: ${warning}`),
          'The key is shown this once. Keep it where secrets are kept.',
        ],
      });
      return 0;
    },
  });
