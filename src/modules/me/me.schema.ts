import { type RateLimits as Limits, limitsOf } from '../../auth/plans.js';
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { MeType } from '../../graphql/me.js';

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
    kind: t.field({
      type: PrincipalKindType,
      nullable: false,
      description: 'What kind of credential it is.',
      resolve: ({ kind }) => kind,
    }),
    organization: t.prismaField({
      type: 'Organization',
      nullable: false,
      description: 'The organization of the workspace.',
      resolve: (query, { organizationId }, _args, { world }) =>
        world.db.organization.findFirstOrThrow({ ...query, where: { id: organizationId } }),
    }),
    workspace: t.prismaField({
      type: 'Workspace',
      nullable: false,
      description: 'The one workspace it sees.',
      resolve: (query, { workspaceId }, _args, { world }) =>
        world.db.workspace.findFirstOrThrow({ ...query, where: { id: workspaceId } }),
    }),
    agent: t.prismaField({
      type: 'Agent',
      nullable: true,
      description: 'The one agent of an agent key; null for everybody else.',
      resolve: (query, { agentId }, _args, { world }) =>
        agentId === null ? null : world.db.agent.findFirst({ ...query, where: { id: agentId } }),
    }),
    role: t.field({
      type: builder.roleType,
      nullable: true,
      description: 'The role of a person; null for a key.',
      resolve: ({ role }) => role,
    }),
    scopes: t.field({
      type: ['Scope'],
      nullable: false,
      description: 'What was granted, wildcards included.',
      resolve: ({ scopes }) => scopes,
    }),
    effectiveScopes: t.field({
      type: ['Scope'],
      nullable: false,
      description: 'What the grant amounts to now.',
      resolve: ({ effectiveScopes }) => [...effectiveScopes].sort(),
    }),
    rateLimits: t.field({
      type: RateLimits,
      nullable: false,
      description: 'How much it may ask.',
      resolve: ({ plan, limits }, _args, { world }) => limitsOf(world.plans, plan, limits),
    }),
  }),
});

builder.queryFields((t) => ({
  me: t.field({
    type: MeType,
    nullable: false,
    authenticated: true,
    description: 'Who is asking.',
    resolve: (_root, _args, { world }) => world.principal,
  }),
}));
