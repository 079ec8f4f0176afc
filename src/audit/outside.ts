// Checkpoints kept outside the database, one line of JSON each: whoever changes the database cannot change these.
import { badInput } from '../platform/errors.js';
import { checkpointOf, type WrittenCheckpoint, writtenCheckpoint } from './export-lines.js';
import type { Checkpoint } from './links.js';

export const outsideLine = (checkpoint: Checkpoint): string => JSON.stringify(writtenCheckpoint(checkpoint));

/** @throws BAD_USER_INPUT naming the line. A last line that was cut off by a crash is passed over: it is written again. */
export function checkpointsIn(text: string): readonly Checkpoint[] {
  const lines = text.split('\n');
  const isWhole = text.endsWith('\n');
  return lines.flatMap((line, place) => {
    if (line.trim() === '') return [];
    try {
      const checkpoint = checkpointOf(JSON.parse(line) as WrittenCheckpoint);
      if (typeof checkpoint.workspaceId === 'string' && typeof checkpoint.signature === 'string') return [checkpoint];
    } catch {
      if (place === lines.length - 1 && !isWhole) return [];
    }
    throw badInput(`Line ${place + 1} of the checkpoints is none.`, 'checkpoints');
  });
}
