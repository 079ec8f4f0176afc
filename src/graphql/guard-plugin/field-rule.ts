// The record of one declaration. The guard plugin leaves it on every field (`extensions.sallyport`), and whoever wants to
// know what a field takes reads it there: preflight, the second wall, the access map, fieldAccess, the docs.
import type { GraphQLField } from 'graphql';
import type { Inside } from '../../context.js';
import type { Foreseen } from '../../effects/effect-kind.js';
import type { Access } from './access.js';

/** Which type an id names, and what its `id` field takes; filled by `builder.nodeType`. */
export interface NodeTypeEntry {
  readonly typeName: string;
  readonly access: Access;
}
export type NodeTypes = ReadonlyMap<string, NodeTypeEntry>;

export interface ArgumentRule {
  /** Where the value stands in the arguments, for example `['input', 'mode']`. */
  readonly path: readonly string[];
  /** By the value as text; a value that is not here leaves the field's own access. Each case only narrows it. */
  readonly cases: ReadonlyMap<string, Access>;
}

export interface IdPrefixRule {
  /** The argument that holds an id or a list of ids. */
  readonly argument: string;
  readonly nodeTypes: NodeTypes;
}

export interface FieldRule {
  readonly coordinate: string;
  readonly access: Access;
  /** Gives a principal its own rows; those of others need `approvals:read`, which the resolver judges. */
  readonly own: boolean;
  readonly byArgument: ArgumentRule | null;
  readonly byIdPrefix: IdPrefixRule | null;
  readonly mutation: MutationFacts | null;
  /** Judges the coerced arguments before anything runs. Throws BAD_USER_INPUT. */
  readonly judgeArguments?: (args: unknown) => void;
}

export interface MutationFacts {
  /** The action's name, for a mutation that stays in our database. */
  readonly action?: string;
  /** The effect's kind, for a mutation that passes the sallyport. */
  readonly effect?: { readonly kind: string; readonly spends: boolean };
  /** All it does lies in one transaction that row-level security binds to the workspace. */
  readonly isBound?: true;
  /** Takes a second factor of the last minutes where the workspace asks for one. */
  readonly fresh?: true;
  /** Runs in a workspace that is suspended or deleted: what takes that back. */
  readonly whileSuspended?: true;
  /** Judges the coerced input before anything runs. Throws BAD_USER_INPUT. */
  readonly judgeInput?: (input: unknown) => void;
  /** What an effect asked for with this input would be, told by reads alone; null where its ids name nothing here. */
  readonly foresee?: (input: unknown, isOpen: IsOpen, inside: Inside) => Promise<Foreseen | null>;
}

/** Whether one of these fields of an input has a value that is not known yet. */
export type IsOpen = (...fields: readonly string[]) => boolean;

type AnyField = Pick<GraphQLField<unknown, unknown>, 'extensions'>;

/** Null for a field that no builder of ours made, such as introspection's. */
export const ruleOf = (field: AnyField): FieldRule | null =>
  (field.extensions.sallyport as FieldRule | undefined) ?? null;

/** What judges a field's arguments before anything runs; null where nothing does. */
export const judgeOf = ({ mutation, judgeArguments }: FieldRule): ((args: unknown) => void) | null => {
  const judgeInput = mutation?.judgeInput;
  if (judgeInput === undefined) return judgeArguments ?? null;
  return (args) => {
    const input = valueAt(args, ['input']);
    if (input !== undefined) judgeInput(input);
  };
};

/** What an argument holds at a path; undefined where there is nothing. */
export const valueAt = (args: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    args,
  );

/** The prefixes of the ids in an argument that name a type, each once, sorted; what names none is left to the resolver. */
export const prefixesIn = (rule: IdPrefixRule, args: unknown): readonly string[] => {
  const value = valueAt(args, [rule.argument]);
  const prefixes = new Set<string>();
  for (const id of Array.isArray(value) ? value : [value]) {
    const prefix = typeof id === 'string' ? id.slice(0, Math.max(0, id.indexOf('_'))) : '';
    if (rule.nodeTypes.has(prefix)) prefixes.add(prefix);
  }
  return [...prefixes].sort();
};

/** The access that an argument's value selects; null where it selects none. */
export const caseOf = (rule: ArgumentRule, args: unknown): string | null => {
  const value = valueAt(args, rule.path);
  return typeof value === 'string' && rule.cases.has(value) ? value : null;
};

/** All that a field takes for these arguments; each must be allowed. */
export const accessesFor = (rule: FieldRule, args: unknown): readonly Access[] => {
  const selected = rule.byArgument === null ? null : caseOf(rule.byArgument, args);
  const own = (selected === null ? undefined : rule.byArgument?.cases.get(selected)) ?? rule.access;
  if (rule.byIdPrefix === null) return [own];
  const { nodeTypes } = rule.byIdPrefix;
  const named = prefixesIn(rule.byIdPrefix, args).flatMap((prefix) => nodeTypes.get(prefix)?.access ?? []);
  return [own, ...named];
};
