// One LISTEN per process, any number of subscribers in it. A notice names what happened and to what; it holds no content,
// because a subscriber reads as itself. Each has a bounded buffer: one that does not keep up is told so and let go, and
// never slows the others or fills the memory.
import type { Database } from '../db/database.js';
import { CodedError } from '../platform/errors.js';
import type { EventType } from './catalogue.js';
import { eventsChannel } from './emit.js';

export interface EventNotice {
  readonly workspaceId: string;
  readonly id: string;
  readonly type: EventType;
  readonly subjectId: string;
}

export interface EventFilter {
  readonly workspaceId: string;
  /** Left out: any. */
  readonly types?: readonly EventType[];
  readonly subjectId?: string;
}

export interface FanOut {
  /** From now on; ends when the consumer returns or the process stops. @throws SERVICE_UNAVAILABLE to one that fell behind */
  subscribe(filter: EventFilter): AsyncIterableIterator<EventNotice>;
  readonly subscriberCount: number;
  close(): Promise<void>;
}

const BUFFERED_MAX = 256;

export async function openFanOut(database: Pick<Database, 'listen'>): Promise<FanOut> {
  const subscribers = new Set<Subscriber>();
  const unlisten = await database.listen(eventsChannel, (payload) => {
    const notice = parseNotice(payload);
    if (notice === null) return;
    for (const subscriber of subscribers) subscriber.offer(notice);
  });
  return {
    subscribe(filter) {
      const subscriber = openSubscriber(filter, () => subscribers.delete(subscriber));
      subscribers.add(subscriber);
      return subscriber.iterator;
    },
    get subscriberCount() {
      return subscribers.size;
    },
    async close() {
      for (const subscriber of [...subscribers]) subscriber.end();
      await unlisten();
    },
  };
}

interface Subscriber {
  readonly iterator: AsyncIterableIterator<EventNotice>;
  offer(notice: EventNotice): void;
  end(): void;
}

function openSubscriber(filter: EventFilter, onEnd: () => void): Subscriber {
  const buffered: EventNotice[] = [];
  let waiting: { resolve(result: IteratorResult<EventNotice>): void } | null = null;
  let hasFallenBehind = false;
  let isOver = false;
  const over: IteratorResult<EventNotice> = { done: true, value: undefined };
  const end = () => {
    if (isOver) return;
    isOver = true;
    onEnd();
    waiting?.resolve(over);
    waiting = null;
  };
  return {
    end,
    offer(notice) {
      if (isOver || !matches(filter, notice)) return;
      if (waiting !== null) {
        waiting.resolve({ done: false, value: notice });
        waiting = null;
      } else if (buffered.length < BUFFERED_MAX) {
        buffered.push(notice);
      } else {
        hasFallenBehind = true;
        end();
      }
    },
    iterator: {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const next = buffered.shift();
        if (next !== undefined) return { done: false, value: next };
        if (hasFallenBehind) {
          hasFallenBehind = false;
          throw new CodedError(
            'SERVICE_UNAVAILABLE',
            'This subscription fell behind and was ended. Read the state, then subscribe again.',
          );
        }
        if (isOver) return over;
        return new Promise((resolve) => {
          waiting = { resolve };
        });
      },
      async return() {
        buffered.length = 0;
        end();
        return over;
      },
    },
  };
}

const matches = (filter: EventFilter, notice: EventNotice): boolean =>
  notice.workspaceId === filter.workspaceId &&
  (filter.subjectId === undefined || notice.subjectId === filter.subjectId) &&
  (filter.types === undefined || filter.types.includes(notice.type));

function parseNotice(payload: string): EventNotice | null {
  try {
    return JSON.parse(payload) as EventNotice;
  } catch {
    return null;
  }
}
