// Once it is there, a measured server has a core for itself; the load and PostgreSQL, which this process hands its own to,
// have the others. Moved between cores, a process pays for its neighbours' memory again and again.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface Cores {
  /** False: the system cannot tell a process its core, and all share all. */
  readonly areShared: boolean;
  /** What stands before the command of a server, so that it starts on all cores. */
  readonly before: readonly string[];
  /** @param pid a server that is ready */
  settle(pid: number | undefined): void;
}

export function openCores(): Cores {
  const last = availableParallelism() - 1;
  if (process.platform !== 'linux' || last === 0 || !move(process.pid, `1-${last}`)) {
    return { areShared: true, before: [], settle: () => undefined };
  }
  return {
    areShared: false,
    before: ['taskset', '-c', `0-${last}`],
    settle: (pid) => void (pid !== undefined && move(pid, '0')),
  };
}

const move = (pid: number, cores: string): boolean =>
  spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' }).status === 0;
