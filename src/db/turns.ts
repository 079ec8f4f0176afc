// Turns at something that serves one at a time: first come, first served.
import { CodedError } from '../platform/errors.js';

export interface Turns {
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** A turn that has not come after `turnMs` is given up, and its work never runs. */
export function takeTurns(turnMs: number): Turns {
  const waiting: (() => void)[] = [];
  let isTaken = false;

  const turn = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!isTaken) {
        isTaken = true;
        resolve();
        return;
      }
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(start), 1);
        const cause = new Error('A query outside an open transaction waits for itself when the holder awaits it.');
        reject(new CodedError('SERVICE_UNAVAILABLE', 'The database is busy. Try again shortly.', {}, { cause }));
      }, turnMs);
      waiting.push(start);
    });

  return {
    async alone(work) {
      await turn();
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) isTaken = false;
        else next();
      }
    },
  };
}
