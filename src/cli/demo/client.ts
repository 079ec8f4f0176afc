// A client of the demo's server as a partner would write one: fetch, JSON, one credential. It knows nothing of the server
// but its URL.

export type Credential = { readonly key: string } | { readonly cookie: string; readonly origin: string };

export interface GraphqlError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly missingScopes?: readonly string[] };
}

export interface Answer<Data> {
  readonly status: number;
  readonly data: Data | null;
  readonly errors?: readonly GraphqlError[];
}

export interface Request {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A model may think for a while. */
export const answerWithinMs = 60_000;

const headersOf = (credential: Credential): Record<string, string> =>
  'key' in credential
    ? { authorization: `Bearer ${credential.key}` }
    : { cookie: credential.cookie, origin: credential.origin };

const post = (url: string, headers: Record<string, string>, body: unknown): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(answerWithinMs),
  });

export async function ask<Data>(url: string, credential: Credential, request: Request): Promise<Answer<Data>> {
  const headers = { ...headersOf(credential), accept: 'application/graphql-response+json' };
  const response = await post(`${url}/graphql`, headers, request);
  return { status: response.status, ...((await response.json()) as Omit<Answer<Data>, 'status'>) };
}

/** @throws with the first error's words */
export function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  if (errors !== undefined || data === null) throw new Error(errors?.[0]?.message ?? 'The answer holds no data.');
  return data;
}

/** The cookie of a new session. */
export async function signIn(
  url: string,
  origin: string,
  person: { readonly email: string; readonly password: string },
): Promise<{ readonly status: number; readonly cookie: string }> {
  const { email, password } = person;
  const response = await post(`${url}/api/auth/sign-in/email`, { origin }, { email, password });
  const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0]);
  await response.arrayBuffer();
  return { status: response.status, cookie: cookies.join('; ') };
}

/** What a subscription sends, one answer after the other, over server-sent events. Ends when the server does, or on break. */
export async function* subscribe<Data>(
  url: string,
  credential: Credential,
  request: Request,
): AsyncGenerator<Answer<Data>> {
  const headers = { ...headersOf(credential), accept: 'text/event-stream' };
  const response = await post(`${url}/graphql`, headers, request);
  const { status, body } = response;
  if (!response.ok || body === null) throw new Error(`The subscription was answered with ${status}.`);
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1] ?? '';
      if (/^event: ?next$/m.test(event)) yield { status, ...(JSON.parse(data) as Omit<Answer<Data>, 'status'>) };
      if (/^event: ?complete$/m.test(event)) return;
    }
  }
}
