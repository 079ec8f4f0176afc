// Short statements share a few connections: they are sent one behind the other without waiting for the answers, and those
// of one turn of the event loop leave in one write, which costs less than the writes would. Each is its own transaction, as
// on a connection of its own; what the database answers to one says nothing about its neighbours.
import type pg from 'pg';
import { ask, type Statement } from './prepared-statement.js';

export interface Pipeline {
  /** On the connection with the fewest statements on their way. @throws what the database says, or that it went away */
  query<Row extends object>(statement: Statement): Promise<Row[]>;
  /** Lets what is on its way arrive. */
  close(): Promise<void>;
}

export interface PipelineOptions {
  /** Not connected, and with `pipeline` on. */
  readonly newClient: () => pg.Client;
  readonly connections: number;
  /** A connection broke; the next statement makes another. */
  readonly warn: (error: Error) => void;
}

interface Line {
  readonly client: pg.Client;
  readonly opened: Promise<unknown>;
  isOpen: boolean;
  waiting: number;
}

export function openPipeline({ newClient, connections, warn }: PipelineOptions): Pipeline {
  const lines = new Set<Line>();

  const openLine = (): Line => {
    const client = newClient();
    const line: Line = { client, opened: client.connect(), isOpen: false, waiting: 0 };
    lines.add(line);
    const drop = () => lines.delete(line);
    line.opened.then(() => {
      line.isOpen = true;
    }, drop);
    client.on('error', (error: Error) => {
      if (lines.delete(line)) warn(error);
    });
    client.on('end', drop);
    return line;
  };

  const leastBusy = (): Line => {
    let best: Line | null = null;
    for (const line of lines) if (best === null || line.waiting < best.waiting) best = line;
    return best === null || (best.waiting > 0 && lines.size < connections) ? openLine() : best;
  };

  const corked = new Set<pg.Client>();
  const sendAll = () => {
    for (const client of corked) client.connection.stream.uncork();
    corked.clear();
  };
  /** Held until the event loop has read what else has come in. */
  const cork = (client: pg.Client) => {
    if (corked.has(client)) return;
    if (corked.size === 0) setImmediate(sendAll);
    corked.add(client);
    client.connection.stream.cork();
  };

  return {
    async query<Row extends object>(statement: Statement) {
      const line = leastBusy();
      line.waiting += 1;
      try {
        if (!line.isOpen) await line.opened;
        cork(line.client);
        return (await ask(line.client, statement)).rows as Row[];
      } finally {
        line.waiting -= 1;
      }
    },
    async close() {
      const open = [...lines];
      lines.clear();
      await Promise.all(open.map(({ client, opened }) => opened.then(() => client.end()).catch(() => undefined)));
    },
  };
}
