// One connection that only listens. When it breaks it is made anew and listens again; what was notified in between is
// lost, as PostgreSQL has it, so a listener treats a payload as a hint and reads the rows.
import type pg from 'pg';

export interface Listener {
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface ListenerOptions {
  /** A client that is not connected yet. */
  readonly newClient: () => pg.Client;
  readonly warn: (line: string) => void;
}

type Callbacks = Map<string, Set<(payload: string) => void>>;

export function openListener({ newClient, warn }: ListenerOptions): Listener {
  const callbacks: Callbacks = new Map();
  let current: Promise<pg.Client> | undefined;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;

  async function connect(): Promise<pg.Client> {
    const client = newClient();
    let isGone = false;
    const lost = () => {
      if (isGone) return;
      isGone = true;
      current = undefined;
      if (!isClosed && callbacks.size > 0) reconnect(100);
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ channel, payload }) => {
      for (const onPayload of callbacks.get(channel) ?? []) onPayload(payload ?? '');
    });
    await client.connect();
    for (const channel of callbacks.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    return client;
  }

  function client(): Promise<pg.Client> {
    current ??= connect().catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    return current;
  }

  function reconnect(delayMs: number): void {
    clearTimeout(retry);
    retry = setTimeout(() => {
      if (isClosed) return;
      client().catch((error: unknown) => {
        warn(`The connection that listens for notifications is lost; trying again: ${String(error)}`);
        reconnect(Math.min(delayMs * 2, 5_000));
      });
    }, delayMs);
    retry.unref();
  }

  return {
    async listen(channel, onPayload) {
      const known = callbacks.get(channel);
      const listeners = known ?? new Set();
      callbacks.set(channel, listeners.add(onPayload));
      const connected = await client();
      // Also when connect() has listened already: LISTEN twice is once.
      if (known === undefined) await connected.query(`LISTEN ${connected.escapeIdentifier(channel)}`);
      return async () => {
        listeners.delete(onPayload);
        if (listeners.size > 0 || callbacks.get(channel) !== listeners) return;
        callbacks.delete(channel);
        const open = await current?.catch(() => undefined);
        await open?.query(`UNLISTEN ${open.escapeIdentifier(channel)}`).catch(() => undefined);
      };
    },
    async close() {
      isClosed = true;
      clearTimeout(retry);
      callbacks.clear();
      const open = await current?.catch(() => undefined);
      await open?.end();
    },
  };
}
