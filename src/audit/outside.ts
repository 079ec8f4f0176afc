// Checkpoints kept outside the database, one line of JSON each: whoever changes the database cannot change these.
import { badInput } from '../platform/errors.js';
import { ownerId } from './chain-owner.js';
import { checkpointOf, type WrittenCheckpoint, writtenCheckpoint } from './export-lines.js';
import type { Checkpoint } from './links.js';

export const outsideLine = (checkpoint: Checkpoint): string => JSON.stringify(writtenCheckpoint(checkpoint));

/**
 * A line that a crash cut off is passed over: it was written again behind it.
 * @throws BAD_USER_INPUT for a text that holds no checkpoint at all
 */
export function checkpointsIn(text: string): readonly Checkpoint[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const checkpoints = lines.flatMap((line) => checkpointIn(line) ?? []);
  if (lines.length === 0 || checkpoints.length > 0) return checkpoints;
  throw badInput('The file of checkpoints holds none.', 'checkpoints');
}

function checkpointIn(line: string): Checkpoint | null {
  try {
    const checkpoint = checkpointOf(JSON.parse(line) as WrittenCheckpoint);
    return typeof ownerId(checkpoint) === 'string' && typeof checkpoint.signature === 'string' ? checkpoint : null;
  } catch {
    return null;
  }
}
