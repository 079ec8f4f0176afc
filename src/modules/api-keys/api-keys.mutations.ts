import { builder, type Types } from '../../graphql/builder.js';
import { SpendCapPeriodType } from '../../graphql/enums.js';
import { parseScope } from '../../guard/scope-grammar.js';
import { grantScopes } from '../../guard/scope-grants.js';
import { badInput } from '../../platform/errors.js';
import { ApiKey, ApiKeyKind } from './api-keys.schema.js';

type Inputs = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;

const AS_SYSTEM = 'keys and their hashes are the owner of the tables’ to write';
const managed = { role: 'ADMIN', asSystem: AS_SYSTEM, fresh: true } as const;

const limits = (i: Inputs) => ({
  expiresAt: i.field({
    type: 'DateTime',
    required: false,
    description: 'When it stops working; left out: never, or after the longest life that the workspace allows.',
  }),
  allowedIps: i.stringList({
    required: false,
    description: 'Addresses and CIDR blocks it may be used from; empty: any.',
  }),
  spendCapCredits: i.int({ required: false, description: 'How many credits it may spend per period.' }),
  spendCapPeriod: i.field({
    type: SpendCapPeriodType,
    required: false,
    description: 'When the cap begins anew; LIFETIME unless said otherwise.',
  }),
  rpm: i.int({ required: false, description: 'Requests per minute, at most those of the plan.' }),
  rpd: i.int({ required: false, description: 'Requests per day, at most those of the plan.' }),
});

const newKey = (i: Inputs) => ({
  kind: i.field({ type: ApiKeyKind, required: true, description: 'What it reaches.' }),
  agentId: i.id({ required: false, description: 'The one agent of an agent key.' }),
  name: i.string({
    required: true,
    description: 'What people know it by, at most 100 characters; need not be unique.',
  }),
  scopes: i.field({
    type: ['Scope'],
    required: false,
    description: 'What it may do, in either spelling; left out: a few scopes that only read.',
  }),
  ...limits(i),
});

const KeyFormatInput = builder.inputType('ApiKeyFormatInput', {
  description: 'What keys that come from elsewhere look like.',
  fields: (i) => ({
    prefix: i.string({ required: true, description: 'The fixed part, ending in _ or -, such as `ago_`.' }),
    length: i.int({ required: true, description: 'Characters of the whole key, the prefix included.' }),
    alphabet: i.string({ required: true, description: 'Every character that may follow the prefix.' }),
  }),
});

const ImportedKeyInput = builder.inputType('ImportedApiKeyInput', {
  description: 'One key that exists already; its secret stays with whoever has it.',
  fields: (i) => ({
    ...newKey(i as never),
    hash: i.string({ required: true, description: 'SHA-256 of the whole key in hexadecimal.' }),
    start: i.string({
      required: false,
      description: 'The prefix and at most four characters more, to tell keys apart.',
    }),
  }),
});

/** Of a key whose kind is not known yet: each scope exists and may be granted at all. */
const judgeScopes = (scopes: readonly string[] | null | undefined): void => {
  if (scopes === undefined || scopes === null) return;
  if (scopes.length === 0)
    throw badInput('An API key needs at least one scope; leave the list out to keep it.', 'input.scopes');
  for (const text of scopes) {
    const parsed = parseScope(text);
    if (!parsed.ok && text !== '*') throw badInput(parsed.reason, 'input.scopes');
  }
};

const theKey = (i: Inputs) => ({ id: i.id({ required: true, description: 'The key.' }) });

builder.mutationFields((t) => ({
  createApiKey: t.action({
    ...managed,
    description: 'Make a key of this workspace. Its secret is shown in this answer and never again.',
    action: 'apiKey.create',
    creates: 'key',
    showsSecret: true,
    input: newKey,
    judgeInput: ({ kind, scopes }) => void grantScopes({ kind, requested: scopes }),
    payload: (p) => ({
      apiKey: p.field({ type: ApiKey, description: 'The new key.' }),
      key: p.string({ description: 'The secret: keep it where secrets are kept.' }),
      warnings: p.stringList({ description: 'What its maker may not expect, one sentence each.' }),
    }),
    resolve: (input, { apiKeys }, _world, id) => apiKeys.create(input, id),
  }),

  rotateApiKey: t.action({
    ...managed,
    description: 'Give a key a new secret, shown in this answer and never again; the one before works on for a grace.',
    action: 'apiKey.rotate',
    showsSecret: true,
    input: (i) => ({
      ...theKey(i),
      graceSeconds: i.int({
        required: false,
        description:
          'How long the secret before works on, 0 to 604800 seconds; left out: a day. Never past the expiry.',
      }),
    }),
    payload: (p) => ({
      apiKey: p.field({ type: ApiKey, description: 'The key, under the same id.' }),
      key: p.string({ description: 'The new secret: keep it where secrets are kept.' }),
      rotationGraceUntil: p.field({ type: 'DateTime', description: 'Until when the secret before works.' }),
    }),
    resolve: ({ id, graceSeconds }, { apiKeys }) => apiKeys.rotate(id, graceSeconds),
  }),

  updateApiKey: t.action({
    ...managed,
    description: 'Change a key; a field left out stays as it is, null clears it. Scopes narrow and never widen.',
    action: 'apiKey.update',
    input: (i) => ({
      ...theKey(i),
      name: i.string({ required: false, description: 'What people know it by.' }),
      scopes: i.field({ type: ['Scope'], required: false, description: 'All that it keeps, in either spelling.' }),
      ...limits(i),
    }),
    judgeInput: ({ scopes }) => judgeScopes(scopes),
    payload: (p) => ({
      apiKey: p.field({ type: ApiKey, description: 'The key as it is now.' }),
      warnings: p.stringList({ description: 'What its maker may not expect, one sentence each.' }),
    }),
    resolve: (input, { apiKeys }) => apiKeys.update(input),
  }),

  suspendApiKey: t.action({
    ...managed,
    description: 'Refuse a key from its next request on, until it is resumed.',
    action: 'apiKey.suspend',
    input: theKey,
    payload: (p) => ({ apiKey: p.field({ type: ApiKey, description: 'The key as it is now.' }) }),
    resolve: async ({ id }, { apiKeys }) => ({ apiKey: await apiKeys.suspend(id) }),
  }),

  resumeApiKey: t.action({
    ...managed,
    description: 'Let a suspended key in again.',
    action: 'apiKey.resume',
    input: theKey,
    payload: (p) => ({ apiKey: p.field({ type: ApiKey, description: 'The key as it is now.' }) }),
    resolve: async ({ id }, { apiKeys }) => ({ apiKey: await apiKeys.resume(id) }),
  }),

  revokeApiKey: t.action({
    ...managed,
    description:
      'End a key and all its secrets for good, from its next request on; what it asked for and waits is cancelled.',
    action: 'apiKey.revoke',
    whileSuspended: true,
    input: theKey,
    payload: (p) => ({ apiKey: p.field({ type: ApiKey, description: 'The key as it is now.' }) }),
    resolve: async ({ id }, { apiKeys }) => ({ apiKey: await apiKeys.revoke(id) }),
  }),

  deleteApiKey: t.action({
    ...managed,
    description: 'Revoke a key and take it from every list; its secret goes on being refused as revoked.',
    action: 'apiKey.delete',
    input: theKey,
    payload: (p) => ({ deletedId: p.id({ description: 'The id of the key that is gone.' }) }),
    resolve: async ({ id }, { apiKeys }) => ({ deletedId: (await apiKeys.delete(id)).id }),
  }),

  importApiKeys: t.action({
    ...managed,
    description:
      'Bring along keys that exist elsewhere by their hashes: they open this door unchanged. All of them or none.',
    action: 'apiKey.import',
    input: (i) => ({
      format: i.field({ type: KeyFormatInput, required: true, description: 'What these keys look like.' }),
      keys: i.field({ type: [ImportedKeyInput], required: true, description: 'The keys, at most 1,000.' }),
    }),
    judgeInput: ({ keys }) => {
      keys.forEach(({ kind, scopes }, index) => {
        grantScopes({ kind, requested: scopes, field: `input.keys.${index}.scopes`, audience: 'IMPORT' });
      });
    },
    payload: (p) => ({
      apiKeys: p.field({ type: [ApiKey], description: 'The keys, in the order given.' }),
      warnings: p.stringList({ description: 'What their maker may not expect, one sentence each.' }),
    }),
    resolve: (input, { apiKeys }) => apiKeys.import(input),
  }),

  revokeSelf: t.action({
    description: 'End the very key that asks, for good; what it asked for and waits is cancelled.',
    authenticated: true,
    action: 'apiKey.revokeSelf',
    asSystem: AS_SYSTEM,
    payload: (p) => ({ revokedId: p.id({ description: 'The id of the key that is no more.' }) }),
    resolve: async (_input, { apiKeys }) => ({ revokedId: (await apiKeys.revokeSelf()).id }),
  }),
}));
