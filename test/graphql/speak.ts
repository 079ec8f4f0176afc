// Speaks to a schema as a principal, over yoga's fetch, with preflight on or off.
import { type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Principal } from '../../src/auth/principal.js';
import type { Context, Inside, Services } from '../../src/context.js';
import { type Gate, passGates } from '../../src/graphql/gate.js';
import { preflight } from '../../src/graphql/preflight/preflight.js';
import type { Role } from '../../src/guard/roles.js';
import type { Scope } from '../../src/guard/scopes.js';
import { isCoded } from '../../src/platform/errors.js';

export const principalWith = (scopes: readonly Scope[], role: Role | null = null): Principal => ({
  kind: role === null ? 'ACCOUNT_KEY' : 'SESSION',
  id: 'key_01h455vb4pex5vsknk084sn02q',
  organizationId: 'org_01h455vb4pex5vsknk084sn02q',
  workspaceId: 'wsp_01h455vb4pex5vsknk084sn02q',
  scopes,
  effectiveScopes: new Set(scopes),
  verdictKey: `${role} ${[...scopes].sort().join(' ')}`,
  role,
  apiKeyId: null,
  sessionId: null,
  agentId: null,
  plan: 'free',
  limits: { rpm: 30, rpd: 2000 },
  workspaceStatus: 'ACTIVE',
  isReadOnly: false,
  needsFreshAuth: false,
});

export const contextOf = (principal: Principal | null, inside: Partial<Inside['world']> = {}): Context => {
  const world = { system: null, db: unlessRefused(), ...inside } as Inside['world'];
  const services = {} as Services;
  return {
    principal,
    requestId: 'req_1',
    world,
    services,
    memo: new Map(),
    useScopes: () => undefined,
    introspection: 'open',
    cursorSecrets: [],
    planSecrets: [],
    walls: 'both',
    ip: null,
    standing: null,
    listen: () => {
      throw new Error('Nothing to listen to.');
    },
    workplaces: async () => [],
    transact: (allowedBy, run) => {
      transactions.push(allowedBy);
      return run({ world, services });
    },
  };
};
/** A handle on nothing, that lets writes wait for what the rules say. */
export const unlessRefused = (more: object = {}): Inside['world']['db'] => {
  let verdict: Promise<unknown> | null = null;
  return {
    $onlyReadsUntil: (awaited: Promise<unknown> | null) => {
      verdict = awaited;
    },
    contact: { create: async () => await verdict },
    ...more,
  } as never;
};

/** What each transaction was opened under. */
export const transactions: (string | null)[] = [];

export interface Answer {
  readonly status: number;
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly string[];
    readonly locations?: readonly object[];
    readonly extensions: Record<string, unknown>;
  }[];
}

/** Speaks to the schema over yoga's fetch; `off` leaves the second wall alone. */
export const speaker = (schema: GraphQLSchema, mode: 'on' | 'off', introspection: 'open' | 'keys' = 'open') => {
  const plugins: Plugin<Context>[] = [asPlugin(preflight({ introspection, preflight: mode }))];
  const ask = (context: Context) =>
    createYoga({ schema, context: () => context, plugins, logging: false, maskedErrors: { maskError: shown } });
  return async (query: string, context: Context, variables: object = {}, operationName?: string): Promise<Answer> => {
    const response = await ask(context).fetch('http://test/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables, operationName }),
    });
    return { ...((await response.json()) as object), status: response.status };
  };
};

export const asPlugin = (gate: Gate): Plugin<Context> => {
  const refusalOf = ({ schema, document, operationName, variableValues: variables, contextValue }: ExecutionArgs) =>
    passGates([gate], { schema, document, operationName, variables, context: contextValue as Context });
  return {
    async onExecute({ args, setResultAndStopExecution }) {
      const errors = await refusalOf(args as ExecutionArgs);
      if (errors !== undefined) setResultAndStopExecution({ errors } as never);
    },
    async onSubscribe({ args, setResultAndStopExecution }) {
      const errors = await refusalOf(args as ExecutionArgs);
      if (errors !== undefined) setResultAndStopExecution({ errors } as never);
    },
  };
};

const shown = (error: unknown): Error => {
  const thrown = error as GraphQLError;
  const coded = thrown.originalError;
  if (!isCoded(coded)) return thrown;
  const { nodes, path } = thrown;
  const extensions = { code: coded.code, ...coded.data };
  return new GraphQLError(coded.message, { nodes: nodes ?? null, path: path ?? null, extensions });
};
