// A browser as far as signing in goes: it keeps cookies, and posts JSON to /api/auth as a page of the server itself.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, createClientFor } from './client.js';

export interface AuthAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Browser {
  post(path: string, body?: object): Promise<AuthAnswer>;
  get(path: string): Promise<AuthAnswer>;
  /** The Cookie header it would send; '' for none. */
  cookie(): string;
  /** Speaks GraphQL with the session this browser has now. */
  client(workspaceId?: string): Client;
}

export function openBrowser(url: string, headers: Readonly<Record<string, string>> = {}): Browser {
  const jar = new Map<string, string>();
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const send = async (path: string, init: RequestInit): Promise<AuthAnswer> => {
    const response = await fetch(path.startsWith('http') ? path : `${url}/api/auth${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...headers, ...(jar.size > 0 ? { cookie: cookie() } : {}), ...(init.headers as object) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0/i.test(line)) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  return {
    post: (path, body = {}) =>
      send(path, {
        method: 'POST',
        headers: { origin: url, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    get: (path) => send(path, { method: 'GET' }),
    cookie,
    client: (workspaceId) =>
      createClientFor(url)({ cookie: cookie(), ...(workspaceId === undefined ? {} : { workspaceId }) }),
  };
}

/** The token of the newest mail to an address, once there are this many. */
export async function mailedToken(dataDir: string, address: string, howMany = 1): Promise<string> {
  for (let tries = 0; tries < 400; tries++) {
    const mails = await mailsTo(dataDir, address);
    const newest = mails.at(-1);
    if (mails.length >= howMany && newest !== undefined) return tokenIn(newest);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`No mail to ${address}.`);
}

/** The oldest first. */
export async function mailsTo(dataDir: string, address: string): Promise<readonly string[]> {
  const folder = join(dataDir, 'outbox');
  // A file that is still being written has a name of its own until it is whole.
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));
  const mails = await Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
  return mails.filter((mail) => mail.includes(`To: ${address}`) || mail.includes(`<${address}>`));
}

export function tokenIn(mail: string): string {
  // Long lines travel as quoted-printable.
  const text = mail.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  const [, token] = /token=([\w-]{43})/.exec(text) ?? [];
  if (token === undefined) throw new Error(`No token in ${mail}`);
  return token;
}
