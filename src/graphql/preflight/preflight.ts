// Step 5 of the walk: an operation is judged as a whole before anything runs. What a document takes is read from it once
// and kept as long as the document is (the parser's cache bounds that); a verdict is kept per scope set and values of the
// conditions, a bounded number per operation. A refused operation executes nothing.
import { type DocumentNode, type GraphQLError, type GraphQLSchema, getVariableValues, locatedError } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import type { Context } from '../../context.js';
import type { Scope } from '../../guard/scopes.js';
import { isCoded } from '../../platform/errors.js';
import type { Gate } from '../gate.js';
import { argumentsOf, holds, readCondition, type Variables } from './conditions.js';
import { type Requirements, requirementsOf } from './requirements.js';
import { noteScopesUsed } from './scope-use.js';
import {
  atPlace,
  closedIntrospection,
  errorsOf,
  type Introspection,
  isIntrospectionClosed,
  judge,
  scopesUsed,
  type Verdict,
} from './verdict.js';

export interface PreflightOptions {
  /** `keys`: a request without a credential may not ask for `__schema` or `__type`. */
  readonly introspection: Introspection;
  /** `off` in tests only: then the second wall stands alone. */
  readonly preflight?: 'on' | 'off';
  /** Told of each refused operation, before the answer leaves: the audit trail's entry. */
  readonly onRefused?: (context: Context, errors: readonly GraphQLError[]) => void | Promise<void>;
}

export interface PreflightRequest {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Variables | null | undefined;
  readonly principal: Principal | null;
  readonly introspection: Introspection;
}

const VERDICTS_MAX = 256;

interface KeptVerdict {
  readonly refused: Verdict;
  readonly scopesUsed: readonly Scope[];
}

export interface Judged extends Requirements {
  /** By scope set and condition values; the oldest goes first. */
  readonly verdicts: Map<string, KeptVerdict>;
}

export interface Judgement {
  /** What refuses the operation; empty when it may run, or when the executor will refuse it for its own reasons. */
  readonly errors: readonly GraphQLError[];
  /** The scopes by which it passes; empty when it does not. */
  readonly scopesUsed: readonly Scope[];
}

const judgedBySchema = new WeakMap<GraphQLSchema, WeakMap<DocumentNode, Map<string, Judged | null>>>();

export const refusalsOf = (request: PreflightRequest): readonly GraphQLError[] => judgementOf(request).errors;

const PASSED: Judgement = { errors: [], scopesUsed: [] };

export const judgementOf = (request: PreflightRequest): Judgement => {
  const { schema, document, principal } = request;
  const judged = requirementsFor(schema, document, request.operationName ?? '');
  if (judged === null) return PASSED;
  if (isIntrospectionClosed(judged, principal, request.introspection)) {
    return refusedBy(closedIntrospection(judged.introspection));
  }
  const variables = coerced(request, judged);
  if (variables === null) return PASSED;
  const values = judged.conditions.map((condition) => readCondition(condition, variables));
  const verdict = verdictFor(judged, principal, values);
  if (verdict.refused !== null) return refusedBy(errorsOf(verdict.refused, principal));
  const errors = judged.inputs.length === 0 ? [] : badInputs(judged, variables, values);
  return errors.length > 0 ? refusedBy(errors) : { errors, scopesUsed: verdict.scopesUsed };
};

const refusedBy = (errors: readonly GraphQLError[]): Judgement => ({ errors, scopesUsed: [] });

/** What the operation takes, kept with the document; null as `requirementsOf` says. */
export const requirementsFor = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string,
): Judged | null => {
  const documents = judgedBySchema.get(schema) ?? new WeakMap<DocumentNode, Map<string, Judged | null>>();
  judgedBySchema.set(schema, documents);
  const operations = documents.get(document) ?? new Map<string, Judged | null>();
  documents.set(document, operations);
  const known = operations.get(operationName);
  if (known !== undefined) return known;
  const found = requirementsOf(schema, document, operationName);
  const judged = found === null ? null : { ...found, verdicts: new Map<string, KeptVerdict>() };
  // A name that is not in the document is not kept: there is no end of those.
  if (judged !== null) operations.set(operationName, judged);
  return judged;
};

const verdictFor = (judged: Judged, principal: Principal | null, values: readonly string[]): KeptVerdict => {
  const key = verdictKeyOf(principal, values);
  const known = judged.verdicts.get(key);
  if (known !== undefined) return known;
  const refused = judge(judged, principal, values);
  const verdict = { refused, scopesUsed: refused === null ? scopesUsed(judged, principal, values) : [] };
  const [oldest] = judged.verdicts.keys();
  if (judged.verdicts.size >= VERDICTS_MAX && oldest !== undefined) judged.verdicts.delete(oldest);
  judged.verdicts.set(key, verdict);
  return verdict;
};

/** Mostly the principal's own text, which is one and the same string at each request and so costs nothing to look up. */
const verdictKeyOf = (principal: Principal | null, values: readonly string[]): string => {
  const held = principal === null ? '' : principal.verdictKey;
  return values.length === 0 ? held : JSON.stringify([held, ...values]);
};

const NO_VARIABLES: Variables = {};

/** Null when they do not fit the operation: the executor says so, and runs nothing. */
const coerced = (request: PreflightRequest, judged: Judged): Variables | null => {
  if (judged.conditions.length === 0 && judged.inputs.length === 0) return NO_VARIABLES;
  const definitions = judged.operation.variableDefinitions ?? [];
  return getVariableValues(request.schema, definitions, request.variables ?? {}).coerced ?? null;
};

const badInputs = (judged: Judged, variables: Variables, values: readonly string[]): readonly GraphQLError[] => {
  const errors: GraphQLError[] = [];
  for (const { field, node, path, guards, judge: judgeArguments } of judged.inputs) {
    if (!guards.every((guard) => holds(guard, values))) continue;
    try {
      judgeArguments(argumentsOf(field, node, variables));
    } catch (error) {
      errors.push(isCoded(error) ? atPlace({ node, path }, error) : locatedError(error, node, path));
    }
  }
  return errors;
};

/** `off` in tests only: a gate that lets everything pass. */
export const preflight = ({ introspection, preflight: mode, onRefused }: PreflightOptions): Gate => {
  if (mode === 'off') return () => undefined;
  return ({ schema, document, operationName, variables, context }) => {
    const { principal } = context;
    const judged = judgementOf({ schema, document, operationName, variables, principal, introspection });
    if (judged.errors.length === 0) {
      noteScopesUsed(context, judged.scopesUsed);
      return undefined;
    }
    const told = onRefused?.(context, judged.errors);
    return told instanceof Promise ? told.then(() => judged.errors) : judged.errors;
  };
};
