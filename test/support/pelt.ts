// Many requests to several servers at once while something changes, each with the moment at which it started: what is
// promised of a change holds for every request that starts after it was answered.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface Asked {
  readonly status: number;
  readonly code: string | null;
  readonly reason: string | null;
}

export interface Line {
  ask(body: Buffer, headers: Readonly<Record<string, string>>): Promise<Asked>;
  close(): void;
}

export interface Told {
  /** Of requests that started before the change was answered. */
  readonly before: readonly Asked[];
  readonly afterwards: readonly Asked[];
}

const AT_ONCE = 8;
/** Answers that each server has given before anything changes: it is warm, and the credential is no stranger to it. */
const BEFORE_EACH = 2 * AT_ONCE;
/** Between two requests before the change, which may take its time. */
const PAUSE_MS = 5;

export function openLine(url: string): Line {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  return {
    ask: (body, headers) =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part) => {
            text += part;
          });
          response.on('end', () => resolve(readAnswer(response.statusCode ?? 0, text)));
          response.on('error', reject);
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function readAnswer(status: number, text: string): Asked {
  const { errors = [] } = JSON.parse(text) as { errors?: { extensions: { code: string; reason?: string } }[] };
  const [first] = errors;
  return { status, code: first?.extensions.code ?? null, reason: first?.extensions.reason ?? null };
}

/**
 * Asks every server all the time, makes the change meanwhile, and goes on without a pause until each has been asked
 * `afterwardsEach` times more.
 * @param change resolves when whoever asked for it has been answered
 */
export async function pelt(
  lines: readonly Line[],
  { key, query, from }: { readonly key: string; readonly query: string; readonly from: string },
  afterwardsEach: number,
  change: () => Promise<unknown>,
): Promise<readonly Told[]> {
  const body = Buffer.from(JSON.stringify({ query }));
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': String(body.length),
    accept: 'application/graphql-response+json',
    'x-forwarded-for': from,
  };
  let isChanged = false;
  const told = lines.map(() => ({ before: [] as Asked[], afterwards: [] as Asked[] }));
  const running = lines.flatMap((line, index) => {
    let started = 0;
    const askOn = async () => {
      while (started < afterwardsEach) {
        const isAfterwards = isChanged;
        if (isAfterwards) started++;
        const answer = await line.ask(body, headers);
        told[index]?.[isAfterwards ? 'afterwards' : 'before'].push(answer);
        if (!isChanged) await delay(PAUSE_MS);
      }
    };
    return Array.from({ length: AT_ONCE }, askOn);
  });
  while (!told.every(({ before }) => before.length >= BEFORE_EACH)) await delay(PAUSE_MS);
  await change().finally(() => {
    isChanged = true;
  });
  await Promise.all(running);
  return told;
}
