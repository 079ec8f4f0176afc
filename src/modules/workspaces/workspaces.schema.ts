import { builder } from '../../graphql/builder.js';
import { registerNodeType } from '../../graphql/node-type.js';

const Plan = builder.enumType('Plan', {
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
