import type { Workplace } from '../../auth/workplaces.js';
import { builder } from '../../graphql/builder.js';
import { MeType } from '../../graphql/me.js';
import { registerNodeType } from '../../graphql/node-type.js';
import { principalRow } from '../../graphql/principal-fields.js';
import type { WorkspacesService } from './workspaces.service.js';

declare module '../../context.js' {
  interface Services {
    workspaces: WorkspacesService;
  }
}

export const Plan = builder.enumType('Plan', {
  description: 'What a workspace has booked; it bounds requests per minute and day.',
  values: {
    free: { value: 'free', description: '30 requests per minute, 2,000 per day.' },
    pro: { value: 'pro', description: '120 requests per minute, 20,000 per day.' },
    scale: { value: 'scale', description: '600 requests per minute, 200,000 per day.' },
  } as const,
});

const WorkspaceStatus = builder.enumType('WorkspaceStatus', {
  description: 'Whether a workspace is served.',
  values: {
    ACTIVE: { value: 'ACTIVE', description: 'It is.' },
    SUSPENDED: { value: 'SUSPENDED', description: 'Its credentials are refused, but for its administrators.' },
    DELETED: { value: 'DELETED', description: 'Its owner deleted it; its data is erased after a time of grace.' },
  } as const,
});

export const WorkspaceMode = builder.enumType('WorkspaceMode', {
  description: 'Whether what is asked for really leaves.',
  values: {
    LIVE: { value: 'LIVE', description: 'It leaves, and is charged.' },
    SANDBOX: { value: 'SANDBOX', description: 'It is captured, and nothing is charged.' },
  } as const,
});

const readWorkspace = [['me:read'], ['account:read']] as const;

registerNodeType(builder, 'wsp', 'Workspace', { read: readWorkspace });

export const Workspace = builder.prismaObject('Workspace', {
  interfaces: [builder.nodeInterface],
  scope: readWorkspace,
  description: 'The unit of isolation: a credential sees exactly one.',
  fields: (t) => ({
    id: t.exposeID('id', {
      authenticated: true,
      nullable: false,
      description: 'Names the workspace; starts with `wsp_`.',
    }),
    name: t.exposeString('name', { nullable: false, description: 'What it is called.' }),
    plan: t.expose('plan', { type: Plan, nullable: false, description: 'What it has booked.' }),
    status: t.expose('status', { type: WorkspaceStatus, nullable: false, description: 'Whether it is served.' }),
    explicitSpendScopes: t.exposeBoolean('explicitSpendScopes', {
      nullable: false,
      description: 'Whether keys hold scopes that spend by name only, never through a wildcard.',
    }),
    keysReadOnly: t.exposeBoolean('keysReadOnly', {
      nullable: false,
      description: 'Whether every key holds only what reads, whatever it was granted.',
    }),
    keyLifeDaysMax: t.exposeInt('keyLifeDaysMax', {
      nullable: true,
      description: 'The longest life, in days, of a key that is made or extended; null: any.',
    }),
    keyRotationDaysMax: t.exposeInt('keyRotationDaysMax', {
      nullable: true,
      description: "After how many days a key's secret should be rotated; null: no such rule.",
    }),
    requireFreshAuth: t.exposeBoolean('requireFreshAuth', {
      nullable: false,
      description: 'Whether what matters most takes a second factor of the last ten minutes.',
    }),
    separateDuties: t.exposeBoolean('separateDuties', {
      nullable: false,
      description: 'Whether nobody decides on what a key asks for that they made themselves.',
    }),
    mode: t.expose('mode', { type: WorkspaceMode, nullable: false, description: 'Whether what it asks for leaves.' }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its owner deleted it; null: it is not deleted.',
    }),
    eraseAt: t.expose('eraseAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it can be restored; then all its data is erased. Null: it is not deleted.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

export const Organization = builder.prismaObject('Organization', {
  authenticated: true,
  description: 'A company or team, which groups workspaces.',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the organization; starts with `org_`.' }),
    name: t.exposeString('name', { nullable: false, description: 'What it is called.' }),
  }),
});

const WorkplaceOrganization = builder.objectRef<Workplace['organization']>('WorkplaceOrganization').implement({
  description: 'The organization of a workplace.',
  role: 'MEMBER',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the organization; starts with `org_`.' }),
    name: t.exposeString('name', { nullable: false, description: 'What it is called.' }),
  }),
});

const WorkplaceType = builder.objectRef<Workplace>('Workplace').implement({
  description: 'A workspace that you may enter by naming it in the X-Workspace-Id header.',
  role: 'MEMBER',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the workspace; starts with `wsp_`.' }),
    name: t.exposeString('name', { nullable: false, description: 'What it is called.' }),
    plan: t.expose('plan', { type: Plan, nullable: false, description: 'What it has booked.' }),
    status: t.expose('status', { type: WorkspaceStatus, nullable: false, description: 'Whether it is served.' }),
    role: t.expose('role', { type: builder.roleType, nullable: false, description: 'Your role there.' }),
    organization: t.expose('organization', {
      type: WorkplaceOrganization,
      nullable: false,
      description: 'The organization it belongs to.',
    }),
  }),
});

builder.objectField(MeType, 'workspaces', (t) =>
  t.field({
    type: [WorkplaceType],
    nullable: false,
    role: 'MEMBER',
    description: 'Every workspace that you may enter, in all your organizations, the oldest first.',
    resolve: async (_me, _args, { workplaces }) => [...(await workplaces())],
  }),
);

builder.queryField('workspace', (t) =>
  principalRow(t, {
    type: Workspace,
    model: 'Workspace',
    by: 'workspaceId',
    nullable: false,
    scope: readWorkspace,
    description: 'The workspace of the request: the one a key belongs to, or a person has entered.',
  }),
);
