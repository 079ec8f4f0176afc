// How much CPU a process has used, user and system, all its threads, and how much memory it holds.
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const hasProc = existsSync('/proc/self/stat');
const microsecondsPerTick = hasProc
  ? 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  : 1;

/** Microseconds since the process began. */
export async function cpuOf(child: ChildProcess): Promise<number> {
  if (!hasProc) return askedCpuOf(child);
  // The second field is the command's name in parentheses, which may hold anything.
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

/** Resident, in MB of 1,000,000 bytes; null where the system does not tell. */
export function memoryOf({ pid }: ChildProcess): number | null {
  if (!hasProc) return null;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kilobytes === undefined ? null : (Number(kilobytes) * 1_024) / 1_000_000;
}

/** By leash.mjs inside the process. */
function askedCpuOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('message', ({ user, system }: NodeJS.CpuUsage) => resolve(user + system));
    child.send('cpu', (error) => (error === null ? undefined : reject(error)));
  });
}

/** Longer than the audit trail waits before it links what was committed. */
const LOOK_EVERY_MS = 300;
const CALM_MICROSECONDS = 20_000;
const CALM_WITHIN_MS = 5_000;

/** Resolves once the process has nothing left to do. */
export async function whenCalm(child: ChildProcess): Promise<void> {
  const end = Date.now() + CALM_WITHIN_MS;
  for (let before = await cpuOf(child); Date.now() < end; ) {
    await sleep(LOOK_EVERY_MS);
    const now = await cpuOf(child);
    if (now - before < CALM_MICROSECONDS) return;
    before = now;
  }
}
