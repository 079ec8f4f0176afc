import { builder } from '../../graphql/builder.js';
import { Plan, Workspace, WorkspaceMode } from './workspaces.schema.js';

builder.mutationFields((t) => ({
  createWorkspace: t.action({
    description:
      'Add a workspace to your organization: on the free plan, with no credits, entered by naming it in X-Workspace-Id.',
    role: 'ADMIN',
    action: 'workspace.create',
    creates: 'wsp',
    asSystem: 'a workspace belongs to its organization, not to the one it is made from',
    // So that whoever deleted the last one can begin anew.
    whileSuspended: true,
    input: (i) => ({ name: i.string({ required: true, description: 'What it is called, at most 100 characters.' }) }),
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The new workspace.' }) }),
    resolve: async (input, { workspaces }, _world, id) => ({ workspace: await workspaces.create(input, id) }),
    repeat: async (id, { workspaces }) => {
      const workspace = await workspaces.find(id);
      return workspace && { workspace };
    },
  }),

  updateWorkspace: t.action({
    description:
      'Change the workspace of the request; a field left out stays as it is. Policies hold from the next request of every credential on.',
    role: 'ADMIN',
    roleByArgument: { path: 'input.plan', values: { free: 'OWNER', pro: 'OWNER', scale: 'OWNER' } },
    action: 'workspace.update',
    asSystem: 'the bound role may not change a workspace',
    fresh: true,
    input: (i) => ({
      name: i.string({ required: false, description: 'What it is called, at most 100 characters.' }),
      plan: i.field({ type: Plan, required: false, description: 'What it books.' }),
      explicitSpendScopes: i.boolean({
        required: false,
        description: 'Whether keys hold scopes that spend by name only, never through a wildcard.',
      }),
      keysReadOnly: i.boolean({
        required: false,
        description: 'Whether every key holds only what reads, whatever it was granted.',
      }),
      keyLifeDaysMax: i.int({
        required: false,
        description: 'The longest life of keys made or extended from now on, 1 to 3,650 days; null: any.',
      }),
      keyRotationDaysMax: i.int({
        required: false,
        description: "After how many days a key's secret should be rotated, 1 to 3,650; null: no such rule.",
      }),
      requireFreshAuth: i.boolean({
        required: false,
        description:
          'Whether approving, making keys and changing policies take a second factor of the last ten minutes. Only who has set one up turns this on: changing it back takes it too.',
      }),
      separateDuties: i.boolean({
        required: false,
        description: 'Whether nobody decides on what a key asks for that they made themselves.',
      }),
      mode: i.field({
        type: WorkspaceMode,
        required: false,
        description: 'SANDBOX captures everything from now on, also what waits, and charges nothing.',
      }),
    }),
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The workspace as it is now.' }) }),
    resolve: async (input, { workspaces }) => ({ workspace: await workspaces.update(input) }),
  }),

  suspendWorkspace: t.action({
    description:
      'Stop the workspace of the request: its keys and members are refused, queued effects fail when their turn comes, and only administrators get in, to read and to resume it.',
    role: 'ADMIN',
    action: 'workspace.suspend',
    asSystem: 'the bound role may not change a workspace',
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The workspace as it is now.' }) }),
    resolve: async (_input, { workspaces }) => ({ workspace: await workspaces.suspend() }),
  }),

  resumeWorkspace: t.action({
    description: 'Serve a suspended workspace again.',
    role: 'ADMIN',
    action: 'workspace.resume',
    asSystem: 'the bound role may not change a workspace',
    whileSuspended: true,
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The workspace as it is now.' }) }),
    resolve: async (_input, { workspaces }) => ({ workspace: await workspaces.resume() }),
  }),

  deleteWorkspace: t.action({
    description:
      'Delete the workspace of the request. Keys and jobs stop at once and what waits is cancelled; after 7 days all its data is erased, and until then its owner can restore it.',
    role: 'OWNER',
    action: 'workspace.delete',
    asSystem: 'the bound role may not change a workspace',
    fresh: true,
    whileSuspended: true,
    input: (i) => ({
      name: i.string({
        required: true,
        description: 'The name of the workspace, typed out so that no other is meant.',
      }),
    }),
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The workspace as it is now.' }) }),
    resolve: async ({ name }, { workspaces }) => ({ workspace: await workspaces.delete(name) }),
  }),

  restoreWorkspace: t.action({
    description:
      'Take back the deletion of the workspace of the request, until its data is erased. Its keys work again.',
    role: 'OWNER',
    action: 'workspace.restore',
    asSystem: 'the bound role may not change a workspace',
    fresh: true,
    whileSuspended: true,
    payload: (p) => ({ workspace: p.field({ type: Workspace, description: 'The workspace as it is now.' }) }),
    resolve: async (_input, { workspaces }) => ({ workspace: await workspaces.restore() }),
  }),
}));
