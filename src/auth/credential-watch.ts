// Watches over the credentials behind open streams, which outlive the request that the door judged. The same door judges
// them again: at each event, whenever the database says that something they hang on has changed, when their time is up,
// and now and then in case a notice was lost. Whatever no longer gives the same principal ends its stream.
import type { Database } from '../db/database.js';
import { CodedError } from '../platform/errors.js';
import type { Judge } from './admission.js';
import { CREDENTIAL_CHANNEL } from './credential-notice.js';
import type { Credentials } from './credentials.js';
import type { Principal } from './principal.js';

/** What a request came with, and as whom it was let in. */
export interface Entrance {
  readonly principal: Principal;
  readonly credentials: Credentials;
}

export interface Watched {
  /** By what the credential is worth now. @throws when the database cannot tell */
  isGood(): Promise<boolean>;
  /** The stream has ended. Safe twice. */
  forget(): void;
}

export interface CredentialWatch {
  /** @param end ends the stream, and with it the watch */
  watch(entrance: Entrance, end: () => void): Watched;
  close(): Promise<void>;
}

interface Watch extends Watched {
  readonly ids: ReadonlySet<string | null>;
  check(): Promise<void>;
}

/** A notice is lost with the connection that should have brought it: no stream goes unjudged for longer. */
const JUDGED_EVERY_MS = 30_000;

export async function openCredentialWatch(database: Pick<Database, 'listen'>, judge: Judge): Promise<CredentialWatch> {
  const open = new Set<Watch>();
  const unlisten = await database.listen(CREDENTIAL_CHANNEL, (id) => {
    for (const watch of open) if (watch.ids.has(id)) void watch.check();
  });
  return {
    watch(entrance, end) {
      const watch = watchOver(entrance, judge, end, () => open.delete(watch));
      open.add(watch);
      return watch;
    },
    async close() {
      await unlisten();
      for (const watch of open) watch.forget();
    },
  };
}

function watchOver({ principal, credentials }: Entrance, judge: Judge, end: () => void, onForget: () => void): Watch {
  // A person who left the workspace unnamed goes on in the one that was found.
  const again: Credentials = { ...credentials, workspaceId: principal.workspaceId };
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const checkIn = (milliseconds: number): void => {
    clearTimeout(timer);
    if (isOver) return;
    timer = setTimeout(() => void check(), milliseconds);
    timer.unref();
  };
  const isGood = async (): Promise<boolean> => {
    const admission = await judge(again).catch(nobodyWhenRefused);
    if (admission === null || !isSame(admission.principal, principal)) return false;
    checkIn(Math.min(Math.max(0, admission.endsInMs ?? JUDGED_EVERY_MS), JUDGED_EVERY_MS));
    return true;
  };
  const check = async (): Promise<void> => {
    if (!isOver && !(await isGood().catch(() => false))) end();
  };
  const { id, sessionId, workspaceId } = principal;
  return {
    ids: new Set([id, sessionId, workspaceId]),
    isGood,
    check,
    forget() {
      isOver = true;
      clearTimeout(timer);
      onForget();
    },
  };
}

function nobodyWhenRefused(error: unknown): null {
  if (error instanceof CodedError) return null;
  throw error;
}

const isSame = (now: Principal, then: Principal): boolean =>
  now.id === then.id &&
  now.sessionId === then.sessionId &&
  now.workspaceId === then.workspaceId &&
  now.workspaceStatus === then.workspaceStatus &&
  now.agentId === then.agentId &&
  now.verdictKey === then.verdictKey;
