// What a process says when it can no longer be polite.
import { writeSync } from 'node:fs';

/** Beside the result of a command. */
export const tell = (line: string): void => {
  process.stderr.write(`sallyport: ${line}\n`);
};

/** Written synchronously, and nothing happens afterwards. */
export function endAtOnce(line: string): never {
  writeSync(2, `sallyport: ${line}\n`);
  process.exit(1);
}
