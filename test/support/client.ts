// A GraphQL client as a user would write one: POST, JSON, one credential.

export type Credential = { readonly key: string } | { readonly cookie: string; readonly workspaceId?: string } | null;

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly requestId: string; readonly [name: string]: unknown };
}

export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data;
  readonly errors: readonly GraphqlError[];
  /** The body as it came. */
  readonly text: string;
}

export interface Client {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whatever the answer is. */
  ask<Data = Record<string, never>>(query: string, variables?: object): Promise<Answer<Data>>;
  /** The data, or an error that shows the whole answer. */
  data<Data>(query: string, variables?: object): Promise<Data>;
  /** The first error's code; fails when there is none. */
  refused(query: string, variables?: object): Promise<GraphqlError & { readonly status: number }>;
}

export const createClientFor =
  (url: string) =>
  (credential: Credential): Client => {
    const headers = headersOf(url, credential);
    const client: Client = {
      url,
      headers,
      async ask<Data>(query: string, variables: object = {}) {
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
          body: JSON.stringify({ query, variables }),
        });
        const text = await response.text();
        const body = JSON.parse(text) as { data?: Data; errors?: readonly GraphqlError[] };
        return {
          status: response.status,
          headers: response.headers,
          data: (body.data ?? null) as Data,
          errors: body.errors ?? [],
          text,
        };
      },
      async data<Data>(query: string, variables?: object) {
        const answer = await client.ask<Data>(query, variables);
        if (answer.errors.length > 0) throw new Error(`${answer.status} ${answer.text}\n${query}`);
        return answer.data;
      },
      async refused(query, variables) {
        const { errors, status, text } = await client.ask(query, variables);
        const [first] = errors;
        if (first === undefined) throw new Error(`Not refused: ${status} ${text}\n${query}`);
        return { ...first, status };
      },
    };
    return client;
  };

function headersOf(url: string, credential: Credential): Record<string, string> {
  if (credential === null) return {};
  if ('key' in credential) return { authorization: `Bearer ${credential.key}` };
  const workspace = credential.workspaceId === undefined ? {} : { 'x-workspace-id': credential.workspaceId };
  return { cookie: credential.cookie, origin: url, ...workspace };
}
