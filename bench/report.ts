// The tables. CPU is the server's own, user and system, of the middle round, and so are ratios, which are of two servers in
// the same round: a machine drifts less in that time. Times are those of all rounds together.
import { cpus } from 'node:os';
import { CONTESTANTS, type ContestantName } from './contestants.js';
import { BUILDS, type Build, type EffectLine } from './effects.js';
import type { KeyLine } from './keys.js';
import type { Measured } from './load.js';

export interface Cell extends Measured {
  readonly cpuMicroseconds: number;
}

export interface Line {
  readonly title: string;
  /** One cell per round. */
  readonly cells: Map<ContestantName, readonly Cell[]>;
}

/** What a server costs beside its requests. */
interface Life {
  readonly name: ContestantName;
  readonly startMs: number;
  /** MB, after all the load. */
  readonly memory: number | null;
}

interface Facts {
  readonly rounds: number;
  readonly measureMs: number;
  readonly keys: number;
  readonly connections: number;
  readonly postgres: string;
  readonly servers: readonly ContestantName[];
  /** False: each server was alone on a core. */
  readonly areShared: boolean;
}

export const report = (lines: readonly Line[], lives: readonly Life[], facts: Facts): string =>
  [
    `Node ${process.versions.node}, ${facts.postgres}, ${cpus().length} cores (${cpus()[0]?.model.trim()}).`,
    `${facts.rounds} × ${facts.measureMs / 1_000} s each after warming up, ${facts.connections} connections, ${facts.keys} keys.`,
    facts.areShared
      ? 'Server, load and PostgreSQL share all cores.'
      : 'The server has one core, the load and PostgreSQL have the others.',
    'Rounds differ by 10 to 35 %: below 20 % is no difference. Requests per second of cheap servers are bounded by the load.',
    '',
    ...mainTable(lines, facts.servers),
    '',
    ...rlsTable(lines, facts.servers),
    ...lifeTable(lives),
    '',
    ...facts.servers.map((name) => `${CONTESTANTS[name].title}: ${CONTESTANTS[name].meaning}.`),
    '',
  ].join('\n');

const lifeTable = (lives: readonly Life[]): string[] =>
  table([
    ['', 'ready after ms', 'MB after the load'],
    ...lives.map(({ name, startMs, memory }) => [
      CONTESTANTS[name].title,
      startMs.toFixed(0),
      memory?.toFixed(0) ?? '',
    ]),
  ]);

/** What authentication alone costs; the bound is the one that the product promises. */
export const keyReport = (lines: readonly KeyLine[], postgres: string): string =>
  [
    `At the door, on ${postgres}. CPU is this process's own: at most 150 µs are promised for a good key.`,
    ...keyTable(lines),
    '',
  ].join('\n');

/** What the sallyport does in a second on one process; the ratio is what the product promises. */
export const effectReport = (lines: readonly EffectLine[], postgres: string): string =>
  [
    `The sallyport, on one process and ${postgres}, with the audit recorder and in a build without it: at least 0.8 is promised.`,
    ...effectTable(lines),
    '',
  ].join('\n');

function effectTable(lines: readonly EffectLine[]): string[] {
  const [whole, silent] = BUILDS;
  const rows = lines.flatMap(({ title, perSecond, cpuMicroseconds }) => [
    [title],
    ...BUILDS.map((name: Build) => [
      `  ${name}`,
      middleOf(perSecond[name]).toFixed(0),
      `${Math.min(...perSecond[name]).toFixed(0)}–${Math.max(...perSecond[name]).toFixed(0)}`,
      name === whole ? (middleOf(perSecond[whole]) / middleOf(perSecond[silent])).toFixed(2) : '',
      middleOf(cpuMicroseconds[name]).toFixed(0),
      name === whole ? (middleOf(cpuMicroseconds[silent]) / middleOf(cpuMicroseconds[whole])).toFixed(2) : '',
    ]),
  ]);
  return table([['', 'per second', 'rounds', 'ratio', 'CPU µs', 'ratio by CPU'], ...rows]);
}

function keyTable(lines: readonly KeyLine[]): string[] {
  const first = middleOf(lines[0]?.cpuMicroseconds ?? []);
  const rows = lines.map(({ title, cpuMicroseconds, lookUps, latencies, scans }) => {
    const sorted = [...latencies].sort((a, b) => a - b);
    return [
      title,
      middleOf(cpuMicroseconds).toFixed(1),
      `${Math.min(...cpuMicroseconds).toFixed(1)}–${Math.max(...cpuMicroseconds).toFixed(1)}`,
      (middleOf(cpuMicroseconds) / first).toFixed(2),
      lookUps.toFixed(lookUps % 1 === 0 ? 0 : 3),
      scans === null ? '' : `${scans.byIndex} + ${scans.sequential}`,
      at(sorted, 0.5),
    ];
  });
  return table([['', 'CPU µs', 'rounds', 'ratio', 'statements', 'index + full scans', 'p50 ms'], ...rows]);
}

function mainTable(lines: readonly Line[], servers: readonly ContestantName[]): string[] {
  const rows = lines.flatMap((line) => [
    [line.title],
    ...servers.map((name) => {
      const cells = line.cells.get(name) ?? [];
      const latencies = cells.flatMap((cell) => cell.latencies).sort((a, b) => a - b);
      return [
        `  ${CONTESTANTS[name].title}`,
        String(Math.round(cpuOf(line, name))),
        spread(cells),
        ratio(line, name, 'bare'),
        ratio(line, name, 'limit'),
        String(Math.round(perSecond(cells))),
        at(latencies, 0.5),
        at(latencies, 0.99),
      ];
    }),
  ]);
  return table([['', 'CPU µs', 'rounds', '× bare', '× LIMIT', 'requests/s', 'p50 ms', 'p99 ms'], ...rows]);
}

/** What row-level security alone costs: the policies, and binding each statement to its workspace. */
function rlsTable(lines: readonly Line[], servers: readonly ContestantName[]): string[] {
  if (!(['ordinary', 'unpoliced', 'unbound'] as const).every((name) => servers.includes(name))) return [];
  const rows = lines.map((line) => {
    const [whole, unpoliced, unbound] = (['ordinary', 'unpoliced', 'unbound'] as const).map((name) =>
      cpuOf(line, name),
    );
    if (whole === undefined || unpoliced === undefined || unbound === undefined) return [line.title];
    const share = `${Math.round((100 * (whole - unbound)) / whole)} %`;
    return [line.title, signed(whole - unpoliced), signed(unpoliced - unbound), signed(whole - unbound), share];
  });
  return [...table([['RLS alone, server CPU µs', 'policies', 'settings', 'together', 'of sallyport'], ...rows]), ''];
}

const perRequest = ({ cpuMicroseconds, requests }: Cell): number => cpuMicroseconds / Math.max(1, requests);

const cpuOf = (line: Line, name: ContestantName): number => {
  return middleOf((line.cells.get(name) ?? []).map(perRequest));
};

const middleOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
};

const spread = (cells: readonly Cell[]): string => {
  const costs = cells.map(perRequest);
  return `${Math.round(Math.min(...costs))}–${Math.round(Math.max(...costs))}`;
};

const ratio = (line: Line, name: ContestantName, to: ContestantName): string => {
  const [cells, others] = [line.cells.get(name) ?? [], line.cells.get(to) ?? []];
  if (name === to || others.length === 0) return '';
  return middleOf(cells.map((cell, round) => perRequest(cell) / perRequest(others[round] ?? cell))).toFixed(2);
};

const perSecond = (cells: readonly Cell[]): number =>
  (1_000 * cells.reduce((sum, { requests }) => sum + requests, 0)) /
  cells.reduce((sum, { milliseconds }) => sum + milliseconds, 0);

const at = (sorted: readonly number[], share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(1);

const signed = (microseconds: number): string => `${microseconds < 0 ? '−' : ''}${Math.abs(Math.round(microseconds))}`;

/** The first column to the left, the rest to the right; a row of one cell is a heading over the columns. */
function table(rows: readonly (readonly string[])[]): string[] {
  const wide = rows.filter((row) => row.length > 1);
  const widths = (wide[0] ?? []).map((_, column) => Math.max(...wide.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
