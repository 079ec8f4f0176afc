// The file that an export is written to. A trail of which something was dropped while it was written is taken back out of it
// and written anew, so that the file never holds half of what was and half of what is.
import { open, rm } from 'node:fs/promises';
import type { ExportPage, ExportPlace } from '../audit/export-page.js';
import { badInput } from '../platform/errors.js';

export interface ExportFile {
  /** How many lines it holds. */
  readonly lines: number;
  write(lines: readonly string[]): Promise<void>;
  /** @param pageAt the lines from a place on; null: from the beginning */
  writeTrail(pageAt: (place: ExportPlace | null) => Promise<ExportPage>): Promise<void>;
  /** It is whole and on the disk. */
  finish(): Promise<void>;
  /** Takes away what is not whole: a part of a trail looks like one that was cut. */
  close(): Promise<void>;
}

/** @throws BAD_USER_INPUT when it is there already or cannot be made */
export async function makeExportFile(path: string): Promise<ExportFile> {
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw badInput(`--file: ${path} cannot be made (${error.code}). Name a file that is not there yet.`);
  });
  let end = { bytes: 0, lines: 0 };
  let isWhole = false;
  const write = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    const text = Buffer.from(`${lines.join('\n')}\n`);
    for (let done = 0; done < text.length; )
      done += (await handle.write(text, done, text.length - done, end.bytes + done)).bytesWritten;
    end = { bytes: end.bytes + text.length, lines: end.lines + lines.length };
  };
  return {
    get lines() {
      return end.lines;
    },
    write,
    async writeTrail(pageAt) {
      const begin = end;
      for (let place: ExportPlace | null = null; ; ) {
        const { lines, next, isOvertaken } = await pageAt(place);
        if (isOvertaken) {
          await handle.truncate(begin.bytes);
          end = begin;
        }
        await write(lines);
        if (next === null && !isOvertaken) return;
        place = next;
      }
    },
    async finish() {
      await handle.sync();
      isWhole = true;
    },
    async close() {
      await handle.close();
      if (!isWhole) await rm(path, { force: true });
    },
  };
}
