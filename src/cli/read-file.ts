// Files that a command is given by name.
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { badInput } from '../platform/errors.js';

/** @throws BAD_USER_INPUT naming the flag */
export async function readWhole(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, flag, error);
  }
}

/** A file of any size, a line at a time. @throws BAD_USER_INPUT naming the flag */
export async function* linesOf(path: string, flag: string): AsyncGenerator<string> {
  const stream = createReadStream(path, 'utf8');
  const failed = new Promise<never>((_resolve, reject) => stream.once('error', reject));
  // Heard below; a file that is not there fails before anyone waits for a line.
  failed.catch(() => undefined);
  try {
    await Promise.race([new Promise((resolve) => stream.once('open', resolve)), failed]);
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === undefined ? error : unreadable(path, flag, error);
  } finally {
    stream.destroy();
  }
}

const unreadable = (path: string, flag: string, error: unknown) =>
  badInput(`${flag}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
