// Places in a statement's answer that only Node can fill: cursors, which are signed, and what is made by a rule in TypeScript.
// A mark begins and ends with a character that no JSON text holds, since it would be escaped there.
const EDGE = '\u0001';
const BETWEEN = '\u001f';

const SQL_EDGE = 'chr(1)';
const SQL_BETWEEN = 'chr(31)';

export type MarkKind = 'cursor' | 'made';

/** @param parts expressions of text that hold neither of the two characters */
export const marked = (kind: MarkKind, place: number, parts: readonly string[]): string =>
  `${SQL_EDGE} || '${kind === 'cursor' ? 'c' : 'm'}${place}' || ${SQL_BETWEEN} || ${parts.join(` || ${SQL_BETWEEN} || `)} || ${SQL_EDGE}`;

export const hasMarks = (sql: string): boolean => sql.includes(SQL_EDGE);

const MARKS = new RegExp(`${EDGE}([cm])(\\d+)${BETWEEN}([^${EDGE}]*)${EDGE}`, 'g');

/** @param textOf what stands in a mark's place, from its parts */
export const filled = (
  data: string,
  textOf: (kind: MarkKind, place: number, parts: readonly string[]) => string,
): string =>
  data.replace(MARKS, (_mark, kind: string, place: string, parts: string) =>
    textOf(kind === 'c' ? 'cursor' : 'made', Number(place), parts.split(BETWEEN)),
  );
