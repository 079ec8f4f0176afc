// What a run may be told.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTESTANT_NAMES, type ContestantName } from './contestants.js';
import { OPERATION_NAMES, type OperationName } from './operations.js';

export const HELP = `npm run bench -- [keys | effects | audit] [OPTIONS]

  keys               only what the door costs, with a thousand and with a million keys
  effects            only what the sallyport does in a second, with and without the audit recorder
  audit              only how long it takes to verify an exported trail of 100,000 entries

  --quick            one short round: about a minute, for a first look
  --rounds N         rounds to measure (3)
  --seconds N        length of each measurement (1.2)
  --deep             also the nested read with 1,000 messages in each conversation
  --keys N           API keys in the workspace (1000)
  --only a,b         operations, without the door: ${OPERATION_NAMES.join(', ')}
  --servers a,b      servers: ${CONTESTANT_NAMES.join(', ')}
  --profile FOLDER   writes a CPU profile of each server there

BENCH_DATABASE_URL or TEST_DATABASE_URL names a PostgreSQL server whose user may create databases and roles; without them
one is started for the run.
`;

export interface Options {
  readonly rounds: number;
  /** Once, before the first round: until the compiler has seen enough. */
  readonly warmUpMs: number;
  /** In every round: a server that stood idle needs several times the CPU at first. */
  readonly warmMs: number;
  readonly measureMs: number;
  readonly keys: number;
  /** Of the larger table at the door; null: the door is not measured. */
  readonly manyKeys: number | null;
  /** Whether an exported trail is verified. */
  readonly hasAudit: boolean;
  /** Nothing but that. */
  readonly isAuditAlone: boolean;
  /** Whether requests and performed effects are counted. */
  readonly hasEffects: boolean;
  /** False: nothing but the door, or the sallyport. */
  readonly hasServers: boolean;
  readonly deep: boolean;
  readonly operations: readonly OperationName[];
  readonly servers: readonly ContestantName[];
  readonly profile: string | null;
}

/** Null: help was asked for. @throws naming what is no number or no known name */
export function readOptions(): Options | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      deep: { type: 'boolean', default: false },
      keys: { type: 'string', default: '1000' },
      only: { type: 'string' },
      servers: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const { quick } = values;
  const [part] = chosen(['all', 'keys', 'effects', 'audit'] as const, positionals.join(',') || 'all');
  const isPartial = values.only !== undefined || values.servers !== undefined;
  return {
    rounds: within(values.rounds ?? (quick ? '1' : '3'), 1, 20),
    warmUpMs: quick ? 800 : 1_500,
    warmMs: quick ? 200 : 1_000,
    measureMs: within(values.seconds ?? (quick ? '0.6' : '1.2'), 0.2, 30) * 1_000,
    keys: within(values.keys, 1, 1_000_000),
    manyKeys: (isPartial && part === 'all') || part === 'effects' ? null : quick ? 100_000 : 1_000_000,
    hasAudit: (part === 'all' && !isPartial) || part === 'audit',
    isAuditAlone: part === 'audit',
    hasEffects: (part === 'all' && !isPartial) || part === 'effects',
    hasServers: part === 'all',
    deep: values.deep,
    operations: chosen(OPERATION_NAMES, values.only),
    servers: chosen(CONTESTANT_NAMES, values.servers),
    profile: values.profile === undefined ? null : resolve(values.profile),
  };
}

function within(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${text} is not a number from ${least} to ${most}.`);
  return value;
}

function chosen<Name extends string>(all: readonly Name[], text: string | undefined): readonly Name[] {
  if (text === undefined) return all;
  const wanted = text.split(',');
  for (const name of wanted) {
    if (!(all as readonly string[]).includes(name)) throw new Error(`${name} is none of ${all.join(', ')}.`);
  }
  return all.filter((name) => wanted.includes(name));
}
