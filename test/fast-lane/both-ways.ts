// The same operation by POST, where it may be compiled, and by GET, where it never is. Which way was taken is in the log.
import { randomUUID } from 'node:crypto';
import pino, { type Logger } from 'pino';
import type { MadeUpRead } from './made-up-read.js';

export type LaneName = 'fast' | 'split' | 'ordinary';

export interface LaneLog {
  readonly log: Logger;
  /** Null: the request never ran. */
  laneOf(requestId: string): Promise<LaneName | null>;
}

export function laneLog(): LaneLog {
  const lanes = new Map<string, LaneName | null>();
  const write = (line: string): void => {
    const { requestId, msg, lane = null } = JSON.parse(line) as { requestId: string; msg: string; lane?: LaneName };
    if (msg === 'request') lanes.set(requestId, lane);
  };
  return {
    log: pino({ level: 'debug', base: {} }, { write }),
    async laneOf(requestId) {
      // The line is written when the answer has left.
      for (let turn = 0; turn < 1_000 && !lanes.has(requestId); turn++)
        await new Promise((done) => setTimeout(done, 1));
      const lane = lanes.get(requestId);
      if (lane === undefined) throw new Error('The request left no line.');
      lanes.delete(requestId);
      return lane;
    },
  };
}

interface Told {
  readonly status: number;
  readonly text: string;
}

const ACCEPT = 'application/graphql-response+json';

export async function byPost(
  url: string,
  headers: Readonly<Record<string, string>>,
  read: MadeUpRead,
  id: string,
): Promise<Told> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: ACCEPT, 'x-request-id': id },
    body: JSON.stringify(read),
  });
  return { status: response.status, text: withoutStanding(await response.text()) };
}

async function byGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  read: MadeUpRead,
  id: string,
): Promise<Told> {
  const search = new URLSearchParams({ query: read.query, variables: JSON.stringify(read.variables) });
  const response = await fetch(`${url}/graphql?${search}`, {
    headers: { ...headers, accept: ACCEPT, 'x-request-id': id, 'x-sallyport-csrf': '1' },
  });
  return { status: response.status, text: withoutStanding(await response.text()) };
}

/** What is left of the limits differs with every request; which of several look-ups fails first, by chance. */
function withoutStanding(text: string): string {
  const steady = text.replace(/"currentlyAvailable":\d+/, '"currentlyAvailable":0');
  const { errors, ...rest } = JSON.parse(steady) as { errors?: readonly unknown[] };
  if (errors === undefined) return steady;
  return JSON.stringify({ ...rest, errors: errors.map((error) => JSON.stringify(error)).sort() });
}

/**
 * Where an error took the whole of `data`, whatever else fails meanwhile is told or is not, by which comes first: that is
 * left to chance on either way. Then at least one error is to be the same, and those of one way alone are left out.
 */
function withoutLateErrors(told: Told, other: Told): Told {
  const [one, another] = [told, other].map(({ text }) => JSON.parse(text) as { data?: unknown; errors?: string[] });
  if (one?.data !== null || another?.data !== null) return told;
  const common = (one.errors ?? []).filter((error) => another.errors?.includes(error));
  return common.length === 0 ? told : { ...told, text: JSON.stringify({ ...one, errors: common }) };
}

export async function askBoth(
  url: string,
  { laneOf }: LaneLog,
  headers: Readonly<Record<string, string>>,
  read: MadeUpRead,
): Promise<{ readonly post: Told; readonly get: Told; readonly lane: LaneName | null }> {
  // One id, since errors tell it; the first line under it is that of the POST.
  const id = randomUUID();
  const post = await byPost(url, headers, read, id);
  const lane = await laneOf(id);
  const get = await byGet(url, headers, read, id);
  await laneOf(id);
  return { post: withoutLateErrors(post, get), get: withoutLateErrors(get, post), lane };
}
