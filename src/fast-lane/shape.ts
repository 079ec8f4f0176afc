// What a statement's text hangs on besides the document and the verdict: of each variable either its value, or only
// whether there is one, or of ids their prefixes. Requests of one shape share one statement.
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  type VariableNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { ruleOf } from '../graphql/guard-plugin/field-rule.js';
import type { Variables } from '../graphql/measure.js';
import { sourceOf } from '../graphql/source.js';
import type { AnyField } from './draft.js';

type Hangs = 'nothing' | 'presence' | 'prefixes' | 'value';

/** Of the stricter one of two. */
const STRICTNESS: readonly Hangs[] = ['nothing', 'presence', 'prefixes', 'value'];

/** The key of a request's shape, as a function of its coerced variables. */
export type ShapeOf = (variables: Variables) => string;

export function shapeOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): ShapeOf {
  const hangs = new Map<string, Hangs>();
  for (const { variable } of operation.variableDefinitions ?? []) hangs.set(variable.name.value, 'nothing');
  const note = ({ name }: VariableNode, one: Hangs): void => {
    const known = hangs.get(name.value) ?? 'nothing';
    if (STRICTNESS.indexOf(one) > STRICTNESS.indexOf(known)) hangs.set(name.value, one);
  };
  const types = new TypeInfo(schema);
  const whole = (node: Parameters<typeof visit>[0]): void =>
    void visit(node, { Variable: (variable) => note(variable, 'value') });
  visit(
    document,
    visitWithTypeInfo(types, {
      VariableDefinition: () => false,
      Directive(node) {
        whole(node);
        return false;
      },
      Argument(node) {
        const field = types.getFieldDef();
        if (node.value.kind === Kind.VARIABLE && field) note(node.value, hangsOn(field, node.name.value));
        else whole(node);
        return false;
      },
    }),
  );
  const parts = [...hangs].filter(([, one]) => one !== 'nothing');
  if (parts.length === 0) return () => '';
  return (variables) => JSON.stringify(parts.map(([name, one]) => partOf(variables[name], one)));
}

function hangsOn(field: AnyField, argument: string): Hangs {
  const source = sourceOf(field);
  if (ruleOf(field)?.byArgument !== null) return 'value';
  switch (source?.kind) {
    case 'byId':
      return 'nothing';
    case 'node':
    case 'nodes':
      return 'prefixes';
    case 'list': {
      if (['first', 'last', 'after', 'before'].includes(argument)) return 'presence';
      const op = source.rules.filters[argument]?.op;
      return op === undefined || op === 'named' || op === 'isSet' ? 'value' : 'presence';
    }
    default:
      return 'value';
  }
}

function partOf(value: unknown, hangs: Hangs): unknown {
  // Left out is not null: a default stands in for it.
  if (value === undefined) return 0;
  if (value === null) return null;
  if (hangs === 'presence') return 1;
  if (hangs === 'value') return [value];
  const prefixes = (Array.isArray(value) ? value : [value]).map((id) =>
    String(id).slice(0, Math.max(0, String(id).indexOf('_'))),
  );
  return [...new Set(prefixes)].sort();
}
