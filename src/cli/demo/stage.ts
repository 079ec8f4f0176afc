// Shows a walk step by step, and holds each step to what it should be. The first that is not ends the walk.
import { type Output, styled } from '../output.js';

export interface Step {
  readonly title: string;
  readonly ok: boolean;
  /** What was not as it should be. */
  readonly problem?: string;
}

export interface Stage {
  step(title: string, play: () => Promise<void>): Promise<void>;
  /** What is asked, and by whom. */
  asks(who: string, what: string): void;
  /** What comes back. */
  answers(what: unknown, status?: number): void;
  says(line: string): void;
  /** @throws when it is not so */
  expect(isSo: boolean, what: string): asserts isSo;
  readonly steps: readonly Step[];
}

export function openStage({ isJson }: Output): Stage {
  const steps: Step[] = [];
  const write = (line: string): void => {
    if (!isJson) process.stdout.write(`${line}\n`);
  };
  return {
    steps,
    async step(title, play) {
      if (steps.some(({ ok }) => !ok)) return;
      write(`\n${styled('bold', `${steps.length + 1}. ${title}`)}`);
      try {
        await play();
        steps.push({ title, ok: true });
        write(`   ${styled('green', 'as it should be')}`);
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        steps.push({ title, ok: false, problem });
        write(`   ${styled('red', `NOT as it should be: ${problem}`)}`);
      }
    },
    asks: (who, what) => write(`   ${styled('cyan', `${who} >`)} ${compact(what)}`),
    answers: (what, status) => {
      const head = status === undefined ? '<' : `${status} <`;
      write(`   ${styled('yellow', head)} ${JSON.stringify(trimmed(what))}`);
    },
    says: (line) => write(`   ${line}`),
    expect: (isSo, what) => {
      if (!isSo) throw new Error(what);
    },
  };
}

const compact = (query: string): string => query.trim().replaceAll(/\s+/g, ' ');

const textMax = 70;
const itemsMax = 2;

/** The same value with long texts cut and long lists shortened, for reading. */
function trimmed(value: unknown): unknown {
  if (typeof value === 'string') return value.length > textMax ? `${value.slice(0, textMax)}…` : value;
  if (Array.isArray(value)) {
    const more = value.length - itemsMax;
    return [...value.slice(0, itemsMax).map(trimmed), ...(more > 0 ? [`… ${more} more`] : [])];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, trimmed(member)]));
}
