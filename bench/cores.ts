// The measured server has a core for itself; the load and PostgreSQL, which everything that is started from here on
// inherits, have the others. Moved between cores, a process pays for its neighbours' memory again and again.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** What stands before the command of a server; empty where the system cannot tell a process its core. */
export function serverCore(): readonly string[] {
  const last = availableParallelism() - 1;
  if (process.platform !== 'linux' || last === 0) return [];
  const moved = spawnSync('taskset', ['-a', '-c', '-p', `1-${last}`, String(process.pid)], { stdio: 'ignore' });
  return moved.status === 0 ? ['taskset', '-c', '0'] : [];
}
