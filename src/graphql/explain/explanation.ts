// What explainAccess knows of an operation, as plain values: the GraphQL types and the command line show the same.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import type { Requirement, RuleVerdict } from '../../effects/approval-policy.js';
import type { Role } from '../../guard/roles.js';
import type { KeyKind } from '../../guard/scopes.js';
import type { Variables } from '../preflight/conditions.js';
import type { Introspection } from '../preflight/verdict.js';

export interface ExplainRequest {
  readonly schema: GraphQLSchema;
  /** Within limits and valid. */
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variables: Variables;
  /** Whose permission is judged; null: nobody's. */
  readonly principal: Principal | null;
  readonly introspection: Introspection;
  /** Kinds of keys that sets are told for; both when left out. */
  readonly kinds?: readonly KeyKind[];
}

export interface Explanation {
  readonly operation: string;
  readonly operationName: string | null;
  readonly principal: Principal | null;
  /** Null: it hangs on variables that are missing. */
  readonly allowed: boolean | null;
  /** The sentence it would be refused with; null when it is not refused. */
  readonly refusal: string | null;
  readonly missingVariables: readonly string[];
  /** Why parts are null; null when none is for the want of a variable. */
  readonly unknownReason: string | null;
  readonly requiredScopes: readonly string[] | null;
  readonly missingScopes: readonly string[] | null;
  readonly requiredRole: Role | null;
  readonly smallestSufficientSets: readonly (readonly string[])[] | null;
  readonly fields: readonly ExplainedField[];
  readonly isComplete: boolean;
  readonly conditions: readonly ExplainedCondition[];
  readonly effects: readonly ExplainedEffect[];
  readonly actions: readonly ExplainedAction[];
  readonly notes: readonly string[];
  readonly cost: number | null;
  readonly costReason: string | null;
  /** The strictest of what its actions and effects ask for. */
  readonly approval: Requirement | null;
  readonly approvalReason: string | null;
  readonly price: number | null;
  readonly priceReason: string | null;
}

/** All but what it asks for. */
export type AccessExplained = Omit<
  Explanation,
  'actions' | 'effects' | 'approval' | 'approvalReason' | 'price' | 'priceReason'
>;

export interface ExplainedCondition {
  readonly variables: readonly string[];
  readonly decides: string;
  readonly value: string | null;
}

export interface ExplainedAction {
  readonly path: readonly string[];
  readonly kind: string;
  readonly condition: string | null;
  /** The rule that would decide; null when that is not known. */
  readonly rule: RuleVerdict | null;
  /** What it would ask for: known where all rules that may decide ask for the same. */
  readonly approval: Requirement | null;
  readonly approvalReason: string | null;
}

export interface ExplainedEffect extends ExplainedAction {
  readonly spends: boolean;
  /** Whole credits. */
  readonly price: number | null;
  readonly priceReason: string | null;
}

export type FieldVerdict = 'ALLOWED' | 'REFUSED' | 'SKIPPED' | 'UNKNOWN';

export interface ExplainedField {
  readonly path: readonly string[];
  readonly coordinate: string;
  readonly line: number | null;
  readonly column: number | null;
  /** As the access map writes it. */
  readonly access: string;
  readonly verdict: FieldVerdict;
  readonly condition: string | null;
  readonly missingScopes: readonly string[];
}
