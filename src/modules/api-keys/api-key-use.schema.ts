import type { Context } from '../../context.js';
import type PrismaTypes from '../../generated/pothos-types.js';
import type { ApiKey as ApiKeyRow } from '../../generated/prisma/client.js';
import { builder, type Types } from '../../graphql/builder.js';
import { batch } from '../../graphql/list-rows.js';
import { expandScopes } from '../../guard/scope-grants.js';
import {
  readKeyPolicies,
  readScopeUse,
  readSecretUse,
  type ScopeUse,
  SECRETS_MAX,
  type SecretUse,
} from './api-key-use.queries.js';
import { ApiKey, CurrentKey } from './api-keys.schema.js';

// Open to every credential: they are reached through a key that may be read, or through the key's own self.
const ApiKeyScopeUse = builder.objectRef<ScopeUse>('ApiKeyScopeUse').implement({
  description: 'When a key last used one of its scopes, and how often.',
  authenticated: true,
  fields: (t) => ({
    scope: t.field({
      type: 'Scope',
      nullable: false,
      description: 'The scope; of several that would do, the first that the key holds counts as used.',
      resolve: ({ scope }) => scope,
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a request that took it was last let through, at most a second behind; null: never.',
    }),
    requestCount: t.exposeInt('requestCount', {
      nullable: false,
      description: 'How many requests that took it were let through; a subscription counts once.',
    }),
  }),
});

const ApiKeySecret = builder.objectRef<SecretUse>('ApiKeySecret').implement({
  description: 'What may be known of one secret of a key; the secret itself was shown once, when it was made.',
  authenticated: true,
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the secret, and opens nothing; starts with `sec_`.' }),
    start: t.exposeString('start', {
      nullable: false,
      description: 'The fixed part and the first four random characters, to tell secrets apart.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    retiresAt: t.expose('retiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it stops working, or did, because another took its place; null for the current one.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, at most a second behind; null: never.',
    }),
    requestCount: t.exposeInt('requestCount', {
      nullable: false,
      description: 'How many requests it authenticated, refused ones too.',
    }),
  }),
});

type Fields = PothosSchemaTypes.PrismaObjectFieldBuilder<Types, PrismaTypes['ApiKey'], ApiKeyRow>;

const useFields = (t: Fields) => ({
  scopeUse: t.field({
    type: [ApiKeyScopeUse],
    nullable: false,
    description: 'Each scope that it holds now, in alphabetical order, with its use.',
    resolve: (key, _args, context) => scopeUseOf(key, context),
  }),
  secrets: t.field({
    type: [ApiKeySecret],
    nullable: false,
    description: `Its secrets, the current one first, then those it took the place of; at most the latest ${SECRETS_MAX}.`,
    resolve: (key, _args, context) => secretsOf(key, context),
  }),
  seenInBrowserAt: t.expose('seenInBrowserAt', {
    type: 'DateTime',
    nullable: true,
    description:
      'When a page in a browser last used it, told by `Origin` or `Sec-Fetch-Site`; null: never. A key in a page is a key that everybody has.',
  }),
});

builder.prismaObjectFields(ApiKey, (t) => useFields(t));
builder.prismaObjectFields(CurrentKey, (t) => useFields(t));

async function scopeUseOf({ id, kind, scopes }: ApiKeyRow, context: Context): Promise<ScopeUse[]> {
  const { db } = context.world;
  const policies = batch(context, 'key policies', async (places: readonly 'workspace'[]) => {
    const found = await readKeyPolicies(db);
    return places.map(() => found);
  });
  const uses = batch<string, readonly ScopeUse[]>(context, 'scope use of keys', async (keyIds) =>
    sharedOut(keyIds, await readScopeUse(db, keyIds)),
  );
  const [{ explicitSpendScopes, keysReadOnly }, used] = await Promise.all([policies.load('workspace'), uses.load(id)]);
  const held = [...expandScopes(scopes, { keyKind: kind, explicitSpendScopes, keysReadOnly })].sort();
  const byScope = new Map(used.map((use) => [use.scope, use]));
  return held.map((scope) => byScope.get(scope) ?? { keyId: id, scope, lastUsedAt: null, requestCount: 0 });
}

const secretsOf = ({ id }: ApiKeyRow, context: Context): Promise<readonly SecretUse[]> =>
  batch<string, readonly SecretUse[]>(context, 'secrets of keys', async (keyIds) =>
    sharedOut(keyIds, await readSecretUse(context.world.db, keyIds)),
  ).load(id);

function sharedOut<Row extends { readonly keyId: string }>(keyIds: readonly string[], rows: readonly Row[]): Row[][] {
  const byKey = new Map<string, Row[]>(keyIds.map((keyId) => [keyId, []]));
  for (const row of rows) byKey.get(row.keyId)?.push(row);
  return [...byKey.values()];
}
