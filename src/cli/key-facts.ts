// A key as the command line shows it: what tells it apart and what it may do, never its secret or hash.
import type { KeyListing } from '../auth/keys.js';

export const keyFacts = (key: KeyListing) => ({
  id: key.id,
  workspaceId: key.workspaceId,
  kind: key.kind,
  agentId: key.agentId,
  name: key.name,
  start: key.start,
  status: key.status,
  scopes: key.scopes,
  allowedIps: key.allowedIps,
  expiresAt: key.expiresAt?.toISOString() ?? null,
  spendCapCredits: key.spendCapCredits,
  spendCapPeriod: key.spendCapPeriod,
  spentCredits: key.spentCredits,
  createdAt: key.createdAt.toISOString(),
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
});
