// How a command speaks: to people in short aligned lines, to programs in one JSON value. Results go to standard output;
// whatever else is said, logs included, goes to standard error.
import { styleText } from 'node:util';
import type { Failure } from './failure.js';

export interface Answer {
  /** The whole answer. */
  readonly json: unknown;
  /** The same for people. */
  readonly lines: readonly string[];
}

export interface Output {
  readonly isJson: boolean;
  print(answer: Answer): void;
  /** One line beside the result. */
  note(line: string): void;
}

export const openOutput = (isJson: boolean): Output => ({
  isJson,
  print: ({ json, lines }) => {
    const text = isJson ? JSON.stringify(json, null, process.stdout.isTTY ? 2 : 0) : lines.join('\n');
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  },
  note: (line) => process.stderr.write(`${line}\n`),
});

export function printFailure({ code, message, data }: Failure, isJson: boolean): void {
  if (isJson) openOutput(true).print({ json: { error: { code, message, ...data } }, lines: [] });
  process.stderr.write(`sallyport: ${message}\n`);
}

/** Columns as wide as their widest cell; the last is left as it is. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join('  ')
      .trimEnd(),
  );
}

type Style = Parameters<typeof styleText>[0];

/** Coloured in a terminal that wants colours (https://no-color.org), plain elsewhere. */
export const styled = (style: Style, text: string): string =>
  process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text, { validateStream: false }) : text;

/** What was written is out, also through a pipe. */
export const flushed = (): Promise<unknown> =>
  Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write('', () => done()))),
  );
