import { type RateLimits as Limits, limitsOf } from '../../auth/plans.js';
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { MeType } from '../../graphql/me.js';
import { principalRow, principalValue } from '../../graphql/principal-fields.js';
import { readsFrom } from '../../graphql/source.js';

const RateLimits = builder.objectRef<Limits>('RateLimits').implement({
  description:
    'How much a credential may ask: the lower of what the plan allows the workspace and of what a key carries.',
  authenticated: true,
  fields: (t) => ({
    rpm: t.exposeInt('rpm', { nullable: false, description: 'Requests per minute of UTC.' }),
    rpd: t.exposeInt('rpd', { nullable: false, description: 'Requests per day of UTC.' }),
  }),
});

/** The credential behind the request, as it was judged at the door. */
builder.objectType(MeType, {
  description: 'Who is asking, and what that credential holds.',
  authenticated: true,
  fields: (t) => ({
    kind: principalValue(t, {
      type: PrincipalKindType,
      nullable: false,
      description: 'What kind of credential it is.',
      value: ({ kind }) => kind,
    }),
    organization: principalRow(t, {
      type: 'Organization',
      model: 'Organization',
      by: 'organizationId',
      nullable: false,
      description: 'The organization of the workspace.',
    }),
    workspace: principalRow(t, {
      type: 'Workspace',
      model: 'Workspace',
      by: 'workspaceId',
      nullable: false,
      description: 'The one workspace it sees.',
    }),
    agent: principalRow(t, {
      type: 'Agent',
      model: 'Agent',
      by: 'agentId',
      nullable: true,
      description: 'The one agent of an agent key; null for everybody else.',
    }),
    role: principalValue(t, {
      type: builder.roleType,
      nullable: true,
      description: 'The role of a person; null for a key.',
      value: ({ role }) => role,
    }),
    scopes: principalValue(t, {
      type: ['Scope'],
      nullable: false,
      description: 'What was granted, wildcards included.',
      value: ({ scopes }) => scopes,
    }),
    effectiveScopes: principalValue(t, {
      type: ['Scope'],
      nullable: false,
      description: 'What the grant amounts to now.',
      value: ({ effectiveScopes }) => [...effectiveScopes].sort(),
    }),
    rateLimits: principalValue(t, {
      type: RateLimits,
      nullable: false,
      description: 'How much it may ask.',
      value: ({ plan, limits }, { plans }) => limitsOf(plans, plan, limits),
    }),
  }),
});

builder.queryFields((t) => ({
  me: t.field({
    type: MeType,
    nullable: false,
    authenticated: true,
    description: 'Who is asking.',
    extensions: readsFrom({ kind: 'principal' }),
    resolve: (_root, _args, { world }) => world.principal,
  }),
}));
