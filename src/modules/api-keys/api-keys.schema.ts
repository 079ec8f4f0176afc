import type PrismaTypes from '../../generated/pothos-types.js';
import type { ApiKey as ApiKeyRow } from '../../generated/prisma/client.js';
import { personFrom } from '../../graphql/actor.js';
import { builder, type Types } from '../../graphql/builder.js';
import { computedFrom } from '../../graphql/computed.js';
import { SpendCapPeriodType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { MeType } from '../../graphql/me.js';
import { byIdField } from '../../graphql/node-fields.js';
import { principalRow } from '../../graphql/principal-fields.js';
import type { Asker } from '../../graphql/source.js';
import { expandScopes } from '../../guard/scope-grants.js';
import { sql } from '../../guard/sql.js';
import type { ApiKeysService } from './api-keys.service.js';

declare module '../../context.js' {
  interface Services {
    readonly apiKeys: ApiKeysService;
  }
}

export const ApiKeyKind = builder.enumType('ApiKeyKind', {
  description: 'What a key reaches.',
  values: {
    ACCOUNT: { value: 'ACCOUNT', description: 'One workspace.' },
    AGENT: { value: 'AGENT', description: 'Exactly one agent of one workspace.' },
  } as const,
});

export const apiKeyStatuses = ['ACTIVE', 'SUSPENDED', 'EXPIRED', 'REVOKED'] as const;
type Status = (typeof apiKeyStatuses)[number];

const ApiKeyStatus = builder.enumType('ApiKeyStatus', {
  description: 'Whether a key opens the door.',
  values: {
    ACTIVE: { value: 'ACTIVE', description: 'Opens it.' },
    SUSPENDED: { value: 'SUSPENDED', description: 'Does not, until it is resumed.' },
    EXPIRED: { value: 'EXPIRED', description: 'Its time is over, for good.' },
    REVOKED: { value: 'REVOKED', description: 'Was ended, for good.' },
  } as const,
});

const statusOf = ({ status, expiresAt }: Pick<ApiKeyRow, 'status' | 'expiresAt'>, { clock }: Asker): Status =>
  status !== 'REVOKED' && expiresAt !== null && expiresAt <= clock.now() ? 'EXPIRED' : status;

/** The same in SQL, so that lists filter by what is shown. */
const statusInSql = () =>
  sql`CASE WHEN t.status <> 'REVOKED' AND t.expires_at <= now() THEN 'EXPIRED' ELSE t.status::text END`;

const fromKey = computedFrom<ApiKeyRow>();

type Fields = PothosSchemaTypes.PrismaObjectFieldBuilder<Types, PrismaTypes['ApiKey'], ApiKeyRow>;

const keyFields = (t: Fields) => ({
  kind: t.expose('kind', { type: ApiKeyKind, nullable: false, description: 'What it reaches.' }),
  name: t.exposeString('name', { nullable: false, description: 'What its maker called it; need not be unique.' }),
  keyPrefix: t.exposeString('keyPrefix', {
    nullable: false,
    description: 'The fixed part that all keys of its kind share.',
  }),
  start: t.exposeString('start', {
    nullable: false,
    description: 'The fixed part and the first four random characters, to tell keys apart.',
  }),
  scopes: t.expose('scopes', {
    type: ['Scope'],
    nullable: false,
    description: 'What was granted, wildcards included.',
  }),
  effectiveScopes: t.field({
    type: ['Scope'],
    nullable: false,
    description: 'What the grant amounts to now.',
    ...fromKey(
      ['scopes', 'kind'],
      ({ scopes, kind }, _asker, policies) => [...expandScopes(scopes, { ...policies, keyKind: kind })].sort(),
      ['explicitSpendScopes', 'keysReadOnly'],
    ),
  }),
  status: t.field({
    type: ApiKeyStatus,
    nullable: false,
    description: 'Whether it opens the door.',
    ...fromKey(['status', 'expiresAt'], statusOf),
  }),
  agent: t.relation('agent', { nullable: true, description: 'The one agent of an agent key.' }),
  createdBy: t.field({
    ...personFrom('createdById'),
    description: 'Who made it; the system stands for the command line on the server.',
  }),
  createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When it stops working; null: never.',
  }),
  allowedIps: t.exposeStringList('allowedIps', {
    nullable: false,
    description: 'Addresses and blocks it may be used from; empty: any.',
  }),
  spendCapCredits: t.exposeInt('spendCapCredits', {
    nullable: true,
    description: 'How many credits it may spend per period; null: no cap of its own.',
  }),
  spendCapPeriod: t.expose('spendCapPeriod', {
    type: SpendCapPeriodType,
    nullable: true,
    description: 'When the cap begins anew; null without a cap.',
  }),
  spentCredits: t.exposeInt('spentCredits', { nullable: false, description: 'What it has spent, in whole credits.' }),
  rpm: t.exposeInt('rpm', { nullable: true, description: 'Requests per minute; null: as the plan says.' }),
  rpd: t.exposeInt('rpd', { nullable: true, description: 'Requests per day; null: as the plan says.' }),
  lastUsedAt: t.expose('lastUsedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When it was last used, at most a second behind.',
  }),
  lastUsedIp: t.exposeString('lastUsedIp', { nullable: true, description: 'From which address it was last used.' }),
  lastUsedUserAgent: t.exposeString('lastUsedUserAgent', {
    nullable: true,
    description: 'By which program it was last used.',
  }),
  requestCount: t.exposeInt('requestCount', {
    nullable: false,
    description: 'How many requests it authenticated, refused ones too.',
  }),
  rotationGraceUntil: t.expose('rotationGraceUntil', {
    type: 'DateTime',
    nullable: true,
    description: 'Until when the secret before the last rotation still works.',
  }),
  needsRescope: t.exposeBoolean('needsRescope', {
    nullable: false,
    description: 'Whether it came with a wildcard that should be narrowed.',
  }),
});

export const ApiKey = builder.nodeType('ApiKey', {
  prefix: 'key',
  read: 'api_keys:read',
  description: 'What may be known of a key. Its secret is shown once, when it is made.',
  fields: keyFields,
});

export const CurrentKey = builder.prismaObject('ApiKey', {
  variant: 'CurrentKey',
  description: 'What a key may know of itself.',
  authenticated: true,
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the key; starts with `key_`.' }),
    ...keyFields(t),
  }),
});

builder.objectField(MeType, 'key', (t) =>
  principalRow(t, {
    type: CurrentKey,
    model: 'ApiKey',
    by: 'apiKeyId',
    nullable: true,
    description: 'The key itself; null for a person.',
  }),
);

const apiKeys = defineList(builder, ApiKey, {
  model: 'ApiKey',
  filters: {
    status: {
      op: 'in',
      field: 'status',
      expression: statusInSql,
      type: [ApiKeyStatus],
      defaultValue: ['ACTIVE', 'SUSPENDED'],
      description: 'Only keys in one of these states.',
    },
    kind: { op: 'in', field: 'kind', type: [ApiKeyKind], description: 'Only keys of these kinds.' },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only keys of this agent.' },
  },
  orders: {
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the key was made.' },
    NAME: { field: 'name', cast: 'text', description: 'The name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
  always: () => sql`t.deleted_at IS NULL`,
});

builder.queryFields((t) => ({
  apiKey: byIdField(t, ApiKey, { scope: 'api_keys:read', description: 'A key by its id; deleted ones are gone.' }),
  apiKeys: apiKeys.field(t, { scope: 'api_keys:read', description: 'The keys of this workspace.' }),
}));

builder.prismaObjectFields(builder.modelRef('Agent'), (t) => ({
  apiKeys: apiKeys.field(t, {
    scope: 'api_keys:read',
    description: 'The keys of this agent.',
    parentField: 'agentId',
    without: ['agentId'],
  }),
}));
