import { queryFromInfo } from '@pothos/plugin-prisma';
import { z } from 'zod';
import type { ApiKey as ApiKeyRow } from '../../generated/prisma/client.js';
import { builder } from '../../graphql/builder.js';
import { rowsById } from '../../graphql/list-rows.js';
import type { Scope } from '../../guard/scopes.js';
import { requireValid } from '../../platform/validation.js';
import {
  type FoundKeys,
  findKeys,
  findNarrowable,
  INSIGHT_KEYS_MAX,
  type Insight,
  type InsightTimes,
  type NarrowableKey,
} from './api-key-insights.queries.js';
import { type KeyPolicies, readKeyPolicies } from './api-key-use.queries.js';
import { ApiKey } from './api-keys.schema.js';

interface Insights extends InsightTimes {
  readonly policies: KeyPolicies;
  readonly secretAgeDaysMax: number;
}

const totalCount = 'How many keys there are, those past the end of the list too.';

const ApiKeyFindings = builder.objectRef<FoundKeys>('ApiKeyFindings').implement({
  description: `Keys that something should be done about, at most ${INSIGHT_KEYS_MAX} of them.`,
  scope: 'api_keys:read',
  fields: (t) => ({
    totalCount: t.exposeInt('totalCount', { nullable: false, description: totalCount }),
    nodes: t.prismaField({
      type: [ApiKey],
      nullable: false,
      description: `The first ${INSIGHT_KEYS_MAX} of them, the most pressing first.`,
      resolve: async (query, { ids }, _args, { world }) => {
        const rows = await rowsById(world.db, 'ApiKey', ids, query);
        return rows.filter((row) => row !== null) as unknown as ApiKeyRow[];
      },
    }),
  }),
});

interface NarrowableApiKeyShape {
  readonly apiKey: ApiKeyRow;
  readonly unusedScopes: readonly Scope[];
  readonly sufficientScopes: readonly Scope[];
}

const NarrowableApiKey = builder.objectRef<NarrowableApiKeyShape>('NarrowableApiKey').implement({
  description: 'A key that holds more than it used, and what would have sufficed.',
  scope: 'api_keys:read',
  fields: (t) => ({
    apiKey: t.field({
      type: ApiKey,
      nullable: false,
      description: 'The key.',
      resolve: ({ apiKey }) => apiKey,
    }),
    unusedScopes: t.field({
      type: ['Scope'],
      nullable: false,
      description: 'What it holds and used for no request in that time, wildcards taken apart.',
      resolve: ({ unusedScopes }) => unusedScopes,
    }),
    sufficientScopes: t.field({
      type: ['Scope'],
      nullable: false,
      description:
        'The narrower key: with exactly these scopes every request of that time would have been let through. Empty: it only asked for what takes no scope.',
      resolve: ({ sufficientScopes }) => sufficientScopes,
    }),
  }),
});

const NarrowableApiKeys = builder
  .objectRef<{ readonly keys: readonly NarrowableKey[]; readonly totalCount: number }>('NarrowableApiKeys')
  .implement({
    description: `Keys that hold more than they used, at most ${INSIGHT_KEYS_MAX} of them.`,
    scope: 'api_keys:read',
    fields: (t) => ({
      totalCount: t.exposeInt('totalCount', { nullable: false, description: totalCount }),
      nodes: t.field({
        type: [NarrowableApiKey],
        nullable: false,
        description: `The first ${INSIGHT_KEYS_MAX} of them, those with most scopes to take away first.`,
        resolve: async ({ keys }, _args, context, info) => {
          const query = queryFromInfo({ context, info, paths: [[{ name: 'apiKey' }]] });
          const ids = keys.map(({ id }) => id);
          const rows = await rowsById(context.world.db, 'ApiKey', ids, query);
          return keys.flatMap(({ unusedScopes, sufficientScopes }, index) => {
            const apiKey = (rows[index] ?? null) as ApiKeyRow | null;
            return apiKey === null ? [] : [{ apiKey, unusedScopes, sufficientScopes }];
          });
        },
      }),
    }),
  });

const ApiKeyInsights = builder.objectRef<Insights>('ApiKeyInsights');

builder.objectType(ApiKeyInsights, {
  description: 'What should be looked at among the keys that still open the door, suspended ones included.',
  scope: 'api_keys:read',
  fields: (t) => {
    const findings = (insight: Insight, description: string) =>
      t.field({
        type: ApiKeyFindings,
        nullable: false,
        description,
        resolve: (times, _args, { world }) => findKeys(world.db, insight, times),
      });
    return {
      withUnusedScopes: t.field({
        type: NarrowableApiKeys,
        nullable: false,
        description:
          'Keys older than `unusedForDays` that were used in that time, but not for all they may: narrow them.',
        resolve: (times, _args, { world }) => findNarrowable(world.db, times, times.policies),
      }),
      unused: findings('unused', 'Keys older than `unusedForDays` that nobody used in that time: revoke them.'),
      expiring: findings('expiring', 'Keys that stop working within `expiringWithinDays`: replace them in time.'),
      old: findings('old', 'Keys whose current secret is older than `secretAgeDaysMax`: rotate them.'),
      secretAgeDaysMax: t.exposeInt('secretAgeDaysMax', {
        nullable: false,
        description:
          "After how many days a secret counts as old: the workspace's own rule for rotation, or else `olderThanDays`.",
      }),
      seenInBrowser: findings(
        'seenInBrowser',
        'Keys that a page in a browser used since their current secret was made: rotate them, and keep them on a server.',
      ),
      needsRescope: findings('needsRescope', 'Keys that came with a wildcard which should be narrowed.'),
    };
  },
});

const DAYS_MAX = 3_650;
const DAY_MS = 86_400_000;

const days = z
  .number()
  .int()
  .min(1, `a number of days from 1 to ${DAYS_MAX}.`)
  .max(DAYS_MAX, `a number of days from 1 to ${DAYS_MAX}.`);

builder.queryField('apiKeyInsights', (t) =>
  t.field({
    type: ApiKeyInsights,
    nullable: false,
    scope: 'api_keys:read',
    description: 'What should be looked at among the keys: unused, too wide, old, about to expire, in a browser.',
    args: {
      unusedForDays: t.arg.int({ defaultValue: 30, description: `Without use for how long; 1 to ${DAYS_MAX}.` }),
      expiringWithinDays: t.arg.int({
        defaultValue: 14,
        description: `About to expire in what time; 1 to ${DAYS_MAX}.`,
      }),
      olderThanDays: t.arg.int({
        defaultValue: 90,
        description: `Secrets of what age, where the workspace has no rule of its own for rotation; 1 to ${DAYS_MAX}.`,
      }),
    },
    resolve: async (_root, { unusedForDays, expiringWithinDays, olderThanDays }, { world }) => {
      const unused = requireValid(days, unusedForDays ?? 30, 'unusedForDays');
      const expiring = requireValid(days, expiringWithinDays ?? 14, 'expiringWithinDays');
      const older = requireValid(days, olderThanDays ?? 90, 'olderThanDays');
      const policies = await readKeyPolicies(world.db);
      const secretAgeDaysMax = policies.keyRotationDaysMax ?? older;
      const now = world.clock.now();
      const inDays = (count: number) => new Date(now.getTime() + count * DAY_MS);
      return {
        now,
        unusedSince: inDays(-unused),
        expiringBefore: inDays(expiring),
        oldBefore: inDays(-secretAgeDaysMax),
        policies,
        secretAgeDaysMax,
      };
    },
  }),
);
