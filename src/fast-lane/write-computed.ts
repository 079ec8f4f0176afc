// What PostgreSQL cannot compute, since its rule is TypeScript: the statement writes the columns that the rule names at the
// value's place, marked, and the very function that the resolver calls makes the text when the answer is made.
import type { FieldNode } from 'graphql';
import type { Source } from '../graphql/source.js';
import { type Model, tableOf } from '../guard/tenancy.js';
import { rawJsonOfColumn, valueOfRawJson } from './columns.js';
import { confined } from './confinement.js';
import { type AnyField, type Draft, isAgent, type MadePlace, setsOf, type Text } from './draft.js';
import { textMaker } from './made-text.js';
import { marked } from './marks.js';
import type { Row } from './object-text.js';

export function writeComputed(
  draft: Draft,
  field: AnyField,
  nodes: readonly FieldNode[],
  { columns, workspace, value }: Extract<Source, { kind: 'computed' }>,
  row: Row,
): Text {
  const text = textMaker(draft, field.type, setsOf(nodes));
  const own = columns.map((column) => readOf(row.model, column));
  const beside = workspace.map((column) => readOf('Workspace', column));
  const parts = columns.map((column) => rawJsonOfColumn(row.model, column, row.alias));
  if (workspace.length > 0) parts.push(workspaceText(draft, workspace));
  const made: MadePlace = (raw, asking) => {
    const found = raw as readonly unknown[];
    return text(value(rowOf(own, found, 0), asking, rowOf(beside, found, own.length)));
  };
  return writeMade(draft, parts, made);
}

/** A column of free JSON, which the database writes with other spaces, numbers and orders than JavaScript does. */
export function writeFreeJson(draft: Draft, field: AnyField, column: string, { model, alias }: Row): Text {
  const text = textMaker(draft, field.type, []);
  return writeMade(draft, [rawJsonOfColumn(model, column, alias)], (raw) => text((raw as readonly unknown[])[0]));
}

/** Where the request stands with its limits. */
export function writeStanding(draft: Draft, field: AnyField, nodes: readonly FieldNode[]): Text {
  const text = textMaker(draft, field.type, setsOf(nodes));
  return writeMade(draft, [], (_raw, { standing }) => text(standing));
}

function writeMade({ made }: Draft, parts: readonly string[], place: MadePlace): Text {
  const number = made.push(place) - 1;
  return { json: marked('made', number, [`'[' || ${[...parts].join(` || ',' || `) || `''`} || ']'`]), objects: null };
}

/** Columns of the one workspace, with commas between them; NULL where it is not to be seen, so that there is no answer. */
function workspaceText(draft: Draft, columns: readonly string[]): string {
  const alias = draft.name('r');
  const owned = confined('Workspace', alias, { walls: draft.walls, isAgent: isAgent(draft) });
  const json = columns.map((column) => rawJsonOfColumn('Workspace', column, alias)).join(` || ',' || `);
  return `(SELECT ${json} FROM "${tableOf('Workspace')}" ${alias} WHERE ${owned} LIMIT 1)`;
}

interface Read {
  readonly column: string;
  readonly value: (raw: unknown) => unknown;
}

const readOf = (model: Model, column: string): Read => ({ column, value: valueOfRawJson(model, column) });

const rowOf = (reads: readonly Read[], raw: readonly unknown[], from: number): Readonly<Record<string, unknown>> =>
  Object.fromEntries(reads.map(({ column, value }, place) => [column, value(raw[from + place])]));
