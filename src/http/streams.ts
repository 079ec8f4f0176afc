// Subscriptions in flight. A stream ends by itself, with its caller, or with the server: draining ends them all politely,
// so that clients see `complete` and connect again elsewhere.

export interface OpenStreams {
  /** Passes the source's events through `each`; the copy ends when `endAll` is called. */
  add<In, Out>(source: AsyncIterable<In>, each: (event: In) => Out): AsyncIterableIterator<Out>;
  endAll(): void;
  readonly size: number;
}

type End = () => void;

export function openStreams(): OpenStreams {
  const open = new Set<End>();
  let isEnded = false;
  return {
    add(source, each) {
      const { copy, end } = endable(source, each, (ended) => open.delete(ended));
      open.add(end);
      if (isEnded) end();
      return copy;
    },
    endAll() {
      isEnded = true;
      for (const end of open) end();
    },
    get size() {
      return open.size;
    },
  };
}

interface Endable<Out> {
  readonly copy: AsyncIterableIterator<Out>;
  /** Also while somebody waits for the next event. */
  readonly end: End;
}

function endable<In, Out>(
  source: AsyncIterable<In>,
  each: (event: In) => Out,
  onEnd: (end: End) => void,
): Endable<Out> {
  const iterator = source[Symbol.asyncIterator]();
  const over: IteratorResult<Out> = { done: true, value: undefined };
  // At most one caller waits at a time: the answer is written event by event.
  let release: ((result: IteratorResult<Out>) => void) | null = null;
  let isDone = false;
  const end: End = () => {
    if (isDone) return;
    isDone = true;
    onEnd(end);
    release?.(over);
    // A source that cannot close cleanly must not hold up the others.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  };
  const next = (): Promise<IteratorResult<Out>> => {
    if (isDone) return Promise.resolve(over);
    return new Promise((resolve, reject) => {
      release = resolve;
      const pass = ({ done, value }: IteratorResult<In>): void => {
        if (done === true || isDone) {
          end();
          resolve(over);
        } else resolve({ done: false, value: each(value) });
      };
      iterator
        .next()
        .then(pass)
        .catch((error: unknown) => {
          end();
          reject(error);
        });
    });
  };
  const copy: AsyncIterableIterator<Out> = {
    [Symbol.asyncIterator]: () => copy,
    next,
    return() {
      end();
      return Promise.resolve(over);
    },
  };
  return { copy, end };
}
