// The embedded engine has no lock of its own: two processes in one folder both acknowledge writes and lose them by the
// thousand. So one file says who holds the folder, and is believed only as long as that process lives.
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError } from '../platform/errors.js';

export interface FolderLock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** Ticks after boot at which the process began, where /proc tells; a process that got the number later differs. */
  readonly startedAt: string | null;
  /** Where pids mean the same: this machine since its boot, in one container. */
  readonly pidSpace: string;
  readonly token: string;
}

/** A holder that cannot be looked up (another machine, another container) shows that it lives by touching the file. */
const heartbeatMs = 3_000;
const silenceMs = 15_000;

/**
 * Takes the lock file, or takes it over from a process that is gone.
 * @throws ConfigurationError with the holder's pid when the folder is in use, or when it cannot be written.
 */
export async function lockFolder(lockFile: string): Promise<FolderLock> {
  const self: Holder = {
    pid: process.pid,
    startedAt: startOf(process.pid),
    pidSpace: pidSpace(),
    token: randomUUID(),
  };
  for (let attempt = 0; attempt < 50; attempt++) {
    if (claim(lockFile, self)) return held(lockFile, self);
    const holder = readHolder(lockFile);
    if (holder === null) continue;
    if (await isAlive(lockFile, holder, self)) throw inUse(lockFile, holder);
    await takeAway(lockFile, holder);
  }
  throw new ConfigurationError(`DATA_DIR: ${lockFile} changes hands all the time. Start one process only.`);
}

/** The pid of the process that holds the lock file and lives; null when the folder is free. */
export async function holderOf(lockFile: string): Promise<number | null> {
  const holder = readHolder(lockFile);
  return holder !== null && (await isAlive(lockFile, holder, { pidSpace: pidSpace() })) ? holder.pid : null;
}

/** The file appears with its content or not at all, and for one process only. */
function claim(lockFile: string, self: Holder): boolean {
  const draft = `${lockFile}.${self.token}`;
  writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
  try {
    linkSync(draft, lockFile);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function held(lockFile: string, self: Holder): FolderLock {
  const heartbeat = setInterval(() => touch(lockFile), heartbeatMs);
  heartbeat.unref();
  return {
    release() {
      clearInterval(heartbeat);
      if (readHolder(lockFile)?.token === self.token) rmSync(lockFile, { force: true });
    },
  };
}

function touch(lockFile: string): void {
  const now = new Date();
  try {
    utimesSync(lockFile, now, now);
  } catch {
    // Gone or unwritable: whoever looks next judges by the pid, or by the silence.
  }
}

async function isAlive(lockFile: string, holder: Holder, self: Pick<Holder, 'pidSpace'>): Promise<boolean> {
  if (holder.pidSpace === self.pidSpace) {
    return isRunning(holder.pid) && startOf(holder.pid) === holder.startedAt;
  }
  const seen = touchedAt(lockFile);
  while (Date.now() - seen < silenceMs) {
    await sleep(500);
    const now = touchedAt(lockFile);
    if (now !== seen) return now !== 0;
  }
  return false;
}

/** Only one of several late comers may remove a dead holder's file, or it would remove the next one's. */
async function takeAway(lockFile: string, dead: Holder): Promise<void> {
  const removal = `${lockFile}.removal`;
  try {
    mkdirSync(removal);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (Date.now() - touchedAt(removal) > silenceMs) rmdirSync(removal);
    await sleep(100);
    return;
  }
  if (readHolder(lockFile)?.token === dead.token) rmSync(lockFile, { force: true });
  rmdirSync(removal);
}

function readHolder(lockFile: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(lockFile, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const { pid, startedAt, pidSpace: space, token } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    if (Number.isInteger(pid) && typeof space === 'string' && typeof token === 'string') {
      return { pid: Number(pid), startedAt: typeof startedAt === 'string' ? startedAt : null, pidSpace: space, token };
    }
  } catch {
    // Said below.
  }
  throw new ConfigurationError(
    `DATA_DIR: ${lockFile} is not a lock of Sallyport. Remove it if no process uses the folder.`,
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return procStat(pid)?.state !== 'Z';
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

const startOf = (pid: number): string | null => procStat(pid)?.startedAt ?? null;

/** proc(5): after the name in parentheses come the state (field 3) and, as field 22, the start. */
function procStat(pid: number): { state: string; startedAt: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    return state === undefined || startedAt === undefined ? null : { state, startedAt };
  } catch {
    return null;
  }
}

function pidSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function touchedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
}

const inUse = (lockFile: string, holder: Holder): ConfigurationError =>
  new ConfigurationError(
    `DATA_DIR: the embedded database is in use by process ${holder.pid} (${lockFile}). Stop that process or give this one another DATA_DIR; the commands of sallyport reach a running server through its socket.`,
  );
