// One field of an explained operation: what it takes, when, and whether it is allowed to whoever is judged.
import type { FieldNode } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import { accessText, isAllowed } from '../guard-plugin/access.js';
import type { Values } from '../preflight/conditions.js';
import type { Need } from '../preflight/requirements.js';
import { type Demand, demandsOf, type Introspection, scopesInAll } from '../preflight/verdict.js';
import type { ExplainedField, FieldVerdict } from './explanation.js';

/** So many fields are told. */
export const FIELDS_MAX = 500;

interface Judging {
  readonly principal: Principal | null;
  readonly values: Values;
  readonly condition: string | null;
}

export const explainField = (need: Need, { principal, values, condition }: Judging): ExplainedField => {
  const least = demandsOf(need, values, 'least');
  const most = demandsOf(need, values, 'most');
  const isRefused = ({ access }: Demand): boolean => !isAllowed(access, principal);
  const refused = least.filter(isRefused);
  return {
    path: need.path,
    coordinate: need.rule.coordinate,
    ...placeOf(need.node),
    access: accessOf(need, least.length > 0 ? least : most),
    verdict: verdictOf({ isReached: most.length > 0, refused, mayBeRefused: most.some(isRefused) }),
    condition,
    missingScopes: scopesInAll(refused, principal ?? { effectiveScopes: new Set() }).missingScopes,
  };
};

const verdictOf = (found: {
  readonly isReached: boolean;
  readonly refused: readonly Demand[];
  readonly mayBeRefused: boolean;
}): FieldVerdict => {
  if (!found.isReached) return 'SKIPPED';
  if (found.refused.length > 0) return 'REFUSED';
  return found.mayBeRefused ? 'UNKNOWN' : 'ALLOWED';
};

/** What a field takes beside a credential says that it takes one. */
const accessOf = ({ rule }: Need, demands: readonly Demand[]): string => {
  const texts = new Set(demands.map(({ access }) => accessText(access)));
  if (texts.size > 1) texts.delete('authenticated');
  return texts.size === 0 ? accessText(rule.access) : [...texts].join('; ');
};

const placeOf = ({ loc }: FieldNode) => ({
  line: loc?.startToken.line ?? null,
  column: loc?.startToken.column ?? null,
});

/** `__schema` and `__type`: open to all, unless the server keeps them for credentials. */
export const explainIntrospection = (
  { node, path }: { readonly node: FieldNode; readonly path: readonly string[] },
  principal: Principal | null,
  introspection: Introspection,
): ExplainedField => ({
  path,
  coordinate: `Query.${node.name.value}`,
  ...placeOf(node),
  access: introspection === 'keys' ? 'authenticated' : 'public',
  verdict: introspection === 'keys' && principal === null ? 'REFUSED' : 'ALLOWED',
  condition: null,
  missingScopes: [],
});
