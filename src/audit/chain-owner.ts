// Whose chain it is. A workspace has one, and so has an organization, for what no workspace outlives: who came in, who may
// do what, which workspaces there are. Both are linked, signed, kept, exported and verified by the same code; the name of
// the field says which it is, also in what is hashed and signed, so that nothing of one passes for part of the other.
export interface OfWorkspace {
  readonly workspaceId: string;
  readonly organizationId?: undefined;
}

export interface OfOrganization {
  readonly organizationId: string;
  readonly workspaceId?: undefined;
}

export type ChainOwner = OfWorkspace | OfOrganization;

/** The owner alone, of anything that says whose it is. */
export const ownerOf = (owned: ChainOwner): ChainOwner =>
  owned.workspaceId === undefined ? { organizationId: owned.organizationId } : { workspaceId: owned.workspaceId };

/** `wsp_…` or `org_…`. */
export const ownerId = (owned: ChainOwner): string => owned.workspaceId ?? owned.organizationId;

export const ownerNamed = (id: string): ChainOwner =>
  id.startsWith('org_') ? { organizationId: id } : { workspaceId: id };

export const isOf = (owned: ChainOwner, owner: ChainOwner): boolean =>
  owned.workspaceId === owner.workspaceId && owned.organizationId === owner.organizationId;

/** For sentences. */
export const kindOf = (owner: ChainOwner): 'workspace' | 'organization' =>
  owner.workspaceId === undefined ? 'organization' : 'workspace';

/** Names of tables and columns, all of them written here: safe to stand in a statement. */
export interface ChainTables {
  /** The table of the owners. */
  readonly owners: 'workspace' | 'organization';
  /** The column of the other three that names the owner. */
  readonly column: string;
  /** The field that the column is read as. */
  readonly field: 'workspaceId' | 'organizationId';
  readonly entry: string;
  readonly link: string;
  readonly checkpoint: string;
}

const ofWorkspaces: ChainTables = {
  owners: 'workspace',
  column: 'workspace_id',
  field: 'workspaceId',
  entry: 'audit_entry',
  link: 'audit_link',
  checkpoint: 'audit_checkpoint',
};

const ofOrganizations: ChainTables = {
  owners: 'organization',
  column: 'organization_id',
  field: 'organizationId',
  entry: 'organization_audit_entry',
  link: 'organization_audit_link',
  checkpoint: 'organization_audit_checkpoint',
};

export const everyKind: readonly ChainTables[] = [ofWorkspaces, ofOrganizations];

export const tablesOf = (owner: ChainOwner): ChainTables =>
  owner.workspaceId === undefined ? ofOrganizations : ofWorkspaces;
