// A page of docs/ as a test reads it: what stands between backticks, what is marked as not yet there, tables, examples.
import { readFileSync } from 'node:fs';

export interface Page {
  readonly text: string;
  /** What stands between backticks outside examples. */
  readonly spans: readonly Span[];
  readonly tables: readonly Table[];
  readonly examples: readonly Example[];
}

export interface Span {
  readonly text: string;
  readonly isLater: boolean;
}

export interface Table {
  /** The nearest heading of the second level, and the one right above. */
  readonly part: string;
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Example {
  readonly document: string;
  readonly isLater: boolean;
  /** The scopes of the key that asks; null: a signed-in owner does. */
  readonly scopes: readonly string[] | null;
  readonly status: number;
  readonly answer: object;
}

const EXAMPLE = /^```graphql ([^\n]*)\n([\s\S]*?)^```\n+^```json ?(\d*)\n([\s\S]*?)^```$/gm;

export function readPage(path: string): Page {
  const text = readFileSync(path, 'utf8');
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  return { text, spans: spansOf(prose), tables: tablesOf(prose), examples: examplesOf(text) };
}

export const spansOf = (text: string): Span[] =>
  [...text.matchAll(/`([^`\n]+)`(,? \*later\*)?/g)].map(([, span = '', mark]) => ({
    text: span,
    isLater: mark !== undefined,
  }));

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

function tablesOf(prose: string): Table[] {
  const tables: { part: string; title: string; head: string[]; rows: string[][] }[] = [];
  let part = '';
  let title = '';
  let isInside = false;
  for (const line of prose.split('\n')) {
    if (line.startsWith('## ')) part = line.slice(3);
    if (line.startsWith('### ')) title = line.slice(4);
    if (!line.startsWith('|')) isInside = false;
    else if (!isInside) {
      isInside = true;
      tables.push({ part, title, head: cellsOf(line), rows: [] });
    } else if (!/^\|[-|]+\|$/.test(line)) tables.at(-1)?.rows.push(cellsOf(line));
  }
  return tables;
}

function examplesOf(text: string): Example[] {
  const examples = [...text.matchAll(EXAMPLE)].map(([, asked = '', document = '', status, answer = '']): Example => {
    const key = /(?:^| )key=(\S+)/.exec(asked)?.[1];
    if ((key === undefined) === !/(?:^| )session(?: |$)/.test(asked)) throw new Error(`Who asks? ${asked}`);
    return {
      document,
      isLater: /(?:^| )later(?: |$)/.test(asked),
      scopes: key?.split(',') ?? null,
      status: Number(status || 200),
      answer: JSON.parse(answer) as object,
    };
  });
  const fences = text.match(/^```\w/gm)?.length ?? 0;
  if (fences !== 2 * examples.length) throw new Error('An example is not a request followed by its answer.');
  return examples;
}
