// How a scope is spelt. Two spellings are accepted wherever one is typed in, `agents:read` and `read:agents`; the first
// is canonical and the only one stored or shown. Two wildcards exist, `resource:*` and `*:read`, both inside the workspace
// namespace. Everything else is refused with a reason, before any row is written.
import { factsOf, isScope, type KeyKind, partsOf, SCOPES, type Scope, WORKSPACE_SCOPES } from './scopes.js';

export type ParsedScope =
  | { readonly ok: true; readonly canonical: string; readonly keyKind: KeyKind; readonly holds: readonly Scope[] }
  | { readonly ok: false; readonly reason: string; readonly nearest: string | null };

/** Names that exist only to be refused; fields that do such things take a role, which no key has. */
export const NEVER_GRANTABLE: ReadonlyMap<string, string> = new Map([
  ['*', 'no key may hold everything'],
  ['billing:write', 'billing is changed by an owner who is signed in'],
  ['api_keys:write', 'a key never makes or widens a key'],
  ['approvals:decide', 'only people decide'],
  ['members:write', 'members are changed by an administrator who is signed in'],
]);

const ACTIONS: ReadonlySet<string> = new Set(WORKSPACE_SCOPES.map((scope) => partsOf(scope).action));

/** The same scope with its verb in front: `read:agents`, `trigger:agent`, `read:agent:config`. */
export const verbFirst = (scope: string): string => {
  const colon = scope.lastIndexOf(':');
  return colon < 0 ? scope : `${scope.slice(colon + 1)}:${scope.slice(0, colon)}`;
};

const heldByWildcards = WORKSPACE_SCOPES.filter((scope) => factsOf(scope).grantableToKeys === 'FREELY');

// Spending scopes of `resource:*` are those that existed when it was granted. All in the registry have existed since
// the first key was made; one added later must carry its date, and be left out of wildcards granted before.
const WILDCARDS: ReadonlyMap<string, readonly Scope[]> = new Map([
  ['*:read', heldByWildcards.filter((scope) => partsOf(scope).action === 'read' && !factsOf(scope).sensitive)],
  ...[...new Set(heldByWildcards.map((scope) => partsOf(scope).resource))].map((resource): [string, Scope[]] => [
    `${resource}:*`,
    heldByWildcards.filter((scope) => partsOf(scope).resource === resource),
  ]),
]);

/** Every wildcard, in canonical spelling. */
export const WILDCARD_NAMES: readonly string[] = [...WILDCARDS.keys()];

const BY_SPELLING: ReadonlyMap<string, string> = new Map(
  [...SCOPES, ...WILDCARDS.keys(), ...NEVER_GRANTABLE.keys()].flatMap((name) => [
    [name, name],
    [verbFirst(name), name],
  ]),
);

/** The scopes a wildcard holds under no policy, or null when it is none. */
export const scopesOfWildcard = (canonical: string): readonly Scope[] | null => WILDCARDS.get(canonical) ?? null;

/** Reads one scope as typed in. A refusal's `reason` names the scope as typed; it is fit for the caller's eyes. */
export const parseScope = (text: string): ParsedScope => {
  const canonical = BY_SPELLING.get(text);
  if (canonical === undefined) return refuseUnknown(text);
  const reason = NEVER_GRANTABLE.get(canonical);
  if (reason !== undefined) {
    return { ok: false, reason: `Scope ${shown(text)} is never granted to a key: ${reason}.`, nearest: null };
  }
  if (isScope(canonical)) return { ok: true, canonical, keyKind: factsOf(canonical).keyKind, holds: [canonical] };
  return { ok: true, canonical, keyKind: 'ACCOUNT', holds: WILDCARDS.get(canonical) ?? [] };
};

const refuseUnknown = (text: string): ParsedScope => {
  const isWildcard = text.includes('*');
  const cause = isWildcard ? whyNoWildcard(text) : null;
  const nearest = cause === null ? nearestSpelling(text) : null;
  const what = isWildcard ? `No such wildcard: ${shown(text)}.` : `Unknown scope ${shown(text)}.`;
  if (nearest !== null) return { ok: false, reason: `${what} Did you mean ${nearest}?`, nearest };
  const form = 'scopes are written resource:action, wildcards resource:* of a known resource or *:read';
  return { ok: false, reason: `${what} ${sentence(cause ?? form)}`, nearest };
};

/** Null when the form is right and only the resource is not known. */
const whyNoWildcard = (text: string): string | null => {
  const words = text.split(':');
  if (words.includes('agent')) return 'wildcards do not reach agent scopes, name each';
  if (words.includes('audit')) return 'audit:read is granted by name only';
  if (words.length === 2 && words.some((word) => ACTIONS.has(word))) return 'across resources only *:read exists';
  return null;
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** As typed, short, and harmless in a log or a terminal. */
const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

const nearestSpelling = (text: string): string | null => {
  if (text.length > 60) return null;
  let best: string | null = null;
  let bestDistance = Math.min(3, Math.ceil(text.length / 3)) + 1;
  for (const [spelling, canonical] of BY_SPELLING) {
    if (NEVER_GRANTABLE.has(canonical)) continue;
    const distance = editDistance(text.toLowerCase(), spelling);
    if (distance < bestDistance) [best, bestDistance] = [canonical, distance];
  }
  return best;
};

/** Levenshtein: insertions, deletions and replacements that turn one text into the other. */
const editDistance = (from: string, to: string): number => {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[to.length] ?? 0;
};
