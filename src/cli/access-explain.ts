import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Explanation } from '../graphql/explain/explanation.js';
import type { KeyKind } from '../guard/scopes.js';
import { badInput } from '../platform/errors.js';
import { addCommand, listOf } from './command.js';
import { aligned, styled } from './output.js';

interface AccessExplainOptions {
  readonly operation?: string;
  readonly variables?: string;
  readonly scopes?: string[];
  readonly kind?: 'account' | 'agent';
}

export const addAccessExplain = (parent: Command): void =>
  addCommand<AccessExplainOptions>(parent, {
    name: 'explain <file>',
    description: 'say what the operation in a .graphql file takes, without a server or database; exit 1 when refused',
    example: 'access explain query.graphql --scopes contacts:read,agents:read',
    flags: (command) =>
      command
        .option('--operation <name>', 'which operation, where the file has several')
        .option('--variables <json>', 'an object in JSON, or @file')
        .option('--scopes <list>', 'judge for a key with these scopes; exit 1 unless it would be allowed', listOf)
        .addOption(
          new Option('--kind <kind>', 'tell only what suffices for this kind of key').choices(['account', 'agent']),
        )
        .addHelpText('after', '\n<file> is the path of a .graphql file, or - for standard input.'),
    run: async ({ operation = null, variables, scopes, kind }, output, [file = '-']) => {
      const explanation = await explainText({
        document: readText(file, 'file'),
        operationName: operation,
        variables: variables === undefined ? {} : readVariables(variables),
        scopes: scopes ?? null,
        kind: kind === undefined ? null : kind === 'agent' ? 'AGENT' : 'ACCOUNT',
      });
      output.print({ json: jsonOf(explanation), lines: linesOf(explanation, scopes !== undefined) });
      return scopes === undefined || explanation.allowed === true ? 0 : 1;
    },
  });

interface Question {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[] | null;
  readonly kind: KeyKind | null;
}

async function explainText({ document: text, scopes, kind, ...asked }: Question): Promise<Explanation> {
  const [{ explain }, { newReading, readDocument }, { hypotheticalKey, readScopes }, { schema }] = await Promise.all([
    import('../graphql/explain/explain.js'),
    import('../graphql/explain/read-document.js'),
    import('../graphql/explain/whom.js'),
    import('../schema.js'),
  ]);
  const principal = scopes === null ? null : hypotheticalKey(readScopes(scopes, kind ?? undefined));
  const document = readDocument({ schema, document: text, ...asked }, newReading());
  const kinds = kind === null ? {} : { kinds: [kind] };
  return explain({ schema, document, ...asked, principal, introspection: 'open', ...kinds });
}

function readText(file: string, field: string): string {
  try {
    // 0: standard input.
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw badInput(`${file} cannot be read (${code}).`, field);
  }
}

function readVariables(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith('@') ? readText(text.slice(1), 'variables') : text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badInput('This is no JSON.', 'variables');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badInput('An object with a value per variable is expected.', 'variables');
}

const jsonOf = ({ principal, ...rest }: Explanation) => ({
  ...rest,
  kind: principal?.kind ?? null,
  scopes: [...(principal?.effectiveScopes ?? [])].sort(),
});

function linesOf(explanation: Explanation, isJudged: boolean): string[] {
  const { fields, effects, actions, conditions, notes, isComplete } = explanation;
  return [
    ...aligned(summaryOf(explanation, isJudged)),
    ...table('fields', fields, ({ path, access, verdict, condition }) => [
      path.join('.'),
      ...(isJudged ? [verdict.toLowerCase()] : []),
      access,
      condition ?? '',
    ]),
    ...table('effects', effects, ({ path, kind, spends, rule }) => [
      path.join('.'),
      kind,
      spends ? 'spends' : '',
      ...(isJudged ? [agreementOf(rule)] : []),
    ]),
    ...table('actions', actions, ({ path, kind, rule }) => [
      path.join('.'),
      kind,
      ...(isJudged ? [agreementOf(rule)] : []),
    ]),
    ...table('variables', conditions, ({ variables, decides, value }) => [
      variables.map((name) => `$${name}`).join(' '),
      value ?? 'not given',
      decides,
    ]),
    ...notes.map((note) => `note: ${note}`),
    ...(isComplete ? [] : ['There are more fields or sets than are shown.']),
  ];
}

function summaryOf(explanation: Explanation, isJudged: boolean): string[][] {
  const { allowed, refusal, unknownReason, requiredScopes, missingScopes, requiredRole, cost, costReason } =
    explanation;
  const verdict =
    allowed === null ? styled('yellow', 'unknown') : allowed ? styled('green', 'yes') : styled('red', 'no');
  return [
    ['operation', [explanation.operation, explanation.operationName].filter((word) => word !== null).join(' ')],
    ...(isJudged ? [['allowed', refusal === null ? verdict : `${verdict}: ${refusal}`]] : []),
    ['scopes named', requiredScopes === null ? (unknownReason ?? '') : requiredScopes.join(' ') || 'none'],
    ...(isJudged && missingScopes !== null ? [['missing', missingScopes.join(' ') || 'none']] : []),
    ...(requiredRole === null ? [] : [['role', requiredRole]]),
    ...enoughOf(explanation),
    ['cost', cost === null ? (costReason ?? '') : String(cost)],
  ];
}

/** By the rules that every workspace begins with: its own are not to be had without it. */
const agreementOf = (rule: Explanation['actions'][number]['rule']): string =>
  rule === null ? '' : `${rule.requirement} by ${rule.id}`;

const enoughOf = ({ smallestSufficientSets: sets }: Explanation): string[][] => {
  if (sets === null) return [];
  if (sets.length === 0) return [['enough', 'no key']];
  return sets.map((set, place) => [place === 0 ? 'enough' : 'or', set.join(' ') || 'no scope']);
};

const table = <Row>(title: string, rows: readonly Row[], cells: (row: Row) => string[]): string[] =>
  rows.length === 0 ? [] : ['', title, ...aligned(rows.map((row) => ['', ...cells(row)]))];
