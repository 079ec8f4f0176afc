// Every model of the database is classified here, once: who owns its rows, and what an agent key sees of them.
// The guarded handle, the bound SQL and the isolation tests read this table; a model that is missing stops the start,
// so a new noun cannot be forgotten by the guard.

import { getDatamodel } from '../generated/pothos-types.js';
import type { Prisma } from '../generated/prisma/client.js';

export type Model = Prisma.ModelName;

/** What a principal is confined to. */
export interface Tenant {
  readonly organizationId: string;
  readonly workspaceId: string;
  /** The one agent of an agent key: its view is narrower than its workspace. */
  readonly agentId: string | null;
}

/** `rls-only` leaves the conditions out, so that tests prove the second wall alone. */
export type Walls = 'both' | 'rls-only';

export type Ownership =
  | {
      readonly owner: 'workspace';
      /** The field that names the workspace. */
      readonly field: 'workspaceId' | 'id';
      /** The field that names the agent: an agent key sees only the rows of its own. `any` shows it all rows, `none` no row. */
      readonly agent: 'id' | 'agentId' | 'any' | 'none';
    }
  | { readonly owner: 'organization'; readonly field: 'organizationId' | 'id' }
  | { readonly owner: 'global' };

const workspace = (agent: 'id' | 'agentId' | 'any' | 'none'): Ownership => ({
  owner: 'workspace',
  field: 'workspaceId',
  agent,
});

export const tenancy: Readonly<Record<Model, Ownership>> = {
  Organization: { owner: 'organization', field: 'id' },
  Member: { owner: 'organization', field: 'organizationId' },
  Invitation: { owner: 'organization', field: 'organizationId' },
  OrganizationAuditEntry: { owner: 'organization', field: 'organizationId' },
  OrganizationAuditLink: { owner: 'organization', field: 'organizationId' },
  OrganizationAuditCheckpoint: { owner: 'organization', field: 'organizationId' },
  Workspace: { owner: 'workspace', field: 'id', agent: 'any' },

  Agent: workspace('id'),
  ApiKey: workspace('agentId'),
  ApiKeySecretUse: workspace('any'),
  ApiKeyScopeUse: workspace('any'),
  Contact: workspace('none'),
  // Whatever an agent key asks for in a conversation lies under the key of the person spoken to.
  ContactKey: workspace('any'),
  Inbox: workspace('none'),
  Conversation: workspace('agentId'),
  Message: workspace('agentId'),
  Effect: workspace('agentId'),
  EffectDecision: workspace('any'),
  EffectPause: workspace('any'),
  ApprovalNotice: workspace('any'),
  ApprovalRule: workspace('any'),
  ApprovalRuleVersion: workspace('any'),
  EffectExecution: workspace('any'),
  IdempotencyRecord: workspace('any'),
  CreditAccount: workspace('any'),
  LedgerEntry: workspace('any'),
  AuditEntry: workspace('any'),
  AuditLink: workspace('any'),
  AuditCheckpoint: workspace('any'),
  Event: workspace('any'),

  User: { owner: 'global' },
  Session: { owner: 'global' },
  Account: { owner: 'global' },
  Verification: { owner: 'global' },
  TwoFactor: { owner: 'global' },
  ApiKeySecret: { owner: 'global' },
  ApiKeyFormat: { owner: 'global' },
  AuditKey: { owner: 'global' },
};

export interface Relation {
  readonly model: Model;
  readonly isList: boolean;
}

interface ModelShape {
  readonly relations: ReadonlyMap<string, Relation>;
}

function readShapes(): ReadonlyMap<string, ModelShape> {
  const shapes = new Map<string, ModelShape>();
  for (const [name, model] of Object.entries(getDatamodel().datamodel.models)) {
    const relations = new Map<string, Relation>();
    for (const field of model.fields) {
      if (field.kind === 'object') relations.set(field.name, { model: field.type as Model, isList: field.isList });
    }
    shapes.set(name, { relations });
  }
  return shapes;
}

const shapes = readShapes();

export const relationsOf = (model: Model): ReadonlyMap<string, Relation> => shapes.get(model)?.relations ?? new Map();

/** Called at start: a table in the database that nobody classified must not be served. */
export function requireEveryModelClassified(classified: Readonly<Record<string, Ownership>> = tenancy): void {
  const missing = [...shapes.keys()].filter((name) => classified[name] === undefined);
  if (missing.length > 0) {
    throw new Error(`Models without a tenancy class: ${missing.join(', ')}. Add them to src/guard/tenancy.ts.`);
  }
}

const snake = (name: string): string => name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** The table of a model and the column of a field; the schema maps every name this way (tested). */
export const tableOf = (model: Model): string => snake(model);
export const columnOf = (field: string): string => snake(field);
