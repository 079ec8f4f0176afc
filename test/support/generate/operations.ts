// One operation per field of the schema: the shortest way from a root to the field, and the least of what it answers with.
// A new field gets its operation with no one's help, or is reported by its coordinate.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

type AnyField = GraphQLField<unknown, unknown>;

export interface Step {
  readonly parent: GraphQLObjectType;
  readonly field: AnyField;
}

export interface Operation {
  /** The field it is made for. */
  readonly coordinate: string;
  readonly root: 'query' | 'mutation' | 'subscription';
  /** From the root to the field. */
  readonly steps: readonly Step[];
  /** What is selected of the field's own value; empty for a leaf. */
  readonly tail: string;
  /** Every field that it executes. */
  readonly executes: readonly string[];
  /** Under `node` and `nodes`: the type that the id names. */
  readonly nodeType: string | null;
}

/** One argument that an operation is sent with. */
export interface Sent {
  readonly variable: string;
  readonly field: AnyField;
  readonly argument: GraphQLArgument;
  /** `Query.contact(id:)` */
  readonly coordinate: string;
}

const rootNames = ['query', 'mutation', 'subscription'] as const;

/** Every field of every object that can be reached, each with its operation; and the coordinates that cannot be reached. */
export function operationsOf(schema: GraphQLSchema): {
  operations: readonly Operation[];
  unreached: readonly string[];
} {
  const ways = waysTo(schema);
  const operations: Operation[] = [];
  const unreached: string[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const way = ways.get(type.name);
      if (way === undefined) unreached.push(`${type.name}.${field.name}`);
      else operations.push(...operationsFor(schema, way.root, [...way.steps, { parent: type, field }]));
    }
  }
  return { operations, unreached };
}

/**
 * The same field by every other way: through each field that answers with an object of its type. What the shortest way
 * takes may hide what the field itself takes; another way may take something else.
 */
export function otherWays(schema: GraphQLSchema): (operation: Operation) => readonly Operation[] {
  const ways = waysTo(schema);
  const into = new Map<string, Way[]>();
  for (const [typeName, way] of ways) {
    const parent = schema.getType(typeName);
    if (!isObjectType(parent)) continue;
    for (const field of Object.values(parent.getFields())) {
      const reached = getNamedType(field.type);
      if (!isObjectType(reached)) continue;
      const found = into.get(reached.name) ?? [];
      into.set(reached.name, [...found, { root: way.root, steps: [...way.steps, { parent, field }] }]);
    }
  }
  return ({ steps }) => {
    const last = steps.at(-1);
    if (last === undefined || steps.length === 1) return [];
    return (into.get(last.parent.name) ?? []).flatMap((way) => operationsFor(schema, way.root, [...way.steps, last]));
  };
}

function operationsFor(schema: GraphQLSchema, root: Operation['root'], steps: readonly Step[]): Operation[] {
  const last = steps.at(-1);
  if (last === undefined) return [];
  const type = getNamedType(last.field.type);
  const coordinate = coordinateOf(last);
  const along = steps.map(coordinateOf);
  if (!isInterfaceType(type)) {
    const { text, executes } = tailOf(type);
    return [{ coordinate, root, steps, tail: text, executes: [...along, ...executes], nodeType: null }];
  }
  // What is executed is the field of the object that the id names: one operation for each type that it may name.
  return schema.getPossibleTypes(type).map((possible) => ({
    coordinate: `${coordinate} ${possible.name}`,
    root,
    steps,
    tail: ' { id }',
    executes: [...along, `${possible.name}.id`, ...(foundBy[possible.name] ?? [])],
    nodeType: possible.name,
  }));
}

/** A credential knows its workspace's id without any scope, but finds it by that id as it finds everything else. */
const foundBy: Readonly<Record<string, readonly string[]>> = { Workspace: ['Workspace.name'] };

const coordinateOf = ({ parent, field }: Step): string => `${parent.name}.${field.name}`;

interface Way {
  readonly root: Operation['root'];
  readonly steps: readonly Step[];
}

/** The shortest way to each object type, breadth first. */
function waysTo(schema: GraphQLSchema): ReadonlyMap<string, Way> {
  const ways = new Map<string, Way>();
  const next: GraphQLObjectType[] = [];
  for (const root of rootNames) {
    const type = schema.getRootType(root as never);
    if (type === null || type === undefined) continue;
    ways.set(type.name, { root, steps: [] });
    next.push(type);
  }
  for (let type = next.shift(); type !== undefined; type = next.shift()) {
    const way = ways.get(type.name);
    for (const field of sorted(type)) {
      const reached = getNamedType(field.type);
      if (way === undefined || !isObjectType(reached) || ways.has(reached.name)) continue;
      ways.set(reached.name, { root: way.root, steps: [...way.steps, { parent: type, field }] });
      next.push(reached);
    }
  }
  return ways;
}

/** What names one object goes before what lists many. */
const sorted = (type: GraphQLObjectType): readonly AnyField[] =>
  Object.values(type.getFields()).sort(
    (one, other) => Number(isList(one)) - Number(isList(other)) || (one.name < other.name ? -1 : 1),
  );

export const isList = ({ args }: AnyField): boolean => args.some(({ name }) => name === 'first');

/** The least that makes the field's value be read. */
export function tailOf(type: GraphQLNamedType): { text: string; executes: readonly string[] } {
  if (!isObjectType(type)) return { text: '', executes: [] };
  const { id, nodes } = type.getFields();
  if (id !== undefined) return { text: ' { id }', executes: [`${type.name}.id`] };
  if (nodes === undefined) return { text: ' { __typename }', executes: [] };
  const inner = tailOf(getNamedType(nodes.type));
  return { text: ` { nodes${inner.text} }`, executes: [`${type.name}.nodes`, ...inner.executes] };
}

/** The arguments it is sent with: all that are required, what begins a subscription, and those that are asked for. */
export function sentWith({ steps, root }: Operation, further: readonly string[] = []): readonly Sent[] {
  return steps.flatMap(({ parent, field }, index) =>
    field.args
      .filter(
        (argument) =>
          isRequiredArgument(argument) ||
          (index === 0 && root === 'subscription') ||
          (index === steps.length - 1 && further.includes(argument.name)),
      )
      .map((argument) => ({
        variable: `${argument.name}${index}`,
        field,
        argument,
        coordinate: `${parent.name}.${field.name}(${argument.name}:)`,
      })),
  );
}

export function textOf(operation: Operation, further: readonly string[] = [], tail = operation.tail): string {
  const sent = sentWith(operation, further);
  const declared = sent.map(({ variable, argument }) => `$${variable}: ${typeText(argument)}`).join(', ');
  const body = operation.steps.reduceRight((inner, { field }, index) => {
    const own = sent.filter((one) => one.variable.endsWith(String(index)) && one.field === field);
    const args = own.map(({ argument, variable }) => `${argument.name}: $${variable}`).join(', ');
    const text = `${field.name}${args === '' ? '' : `(${args})`}`;
    return index === operation.steps.length - 1 ? `${text}${tail}` : `${text} { ${inner} }`;
  }, '');
  return `${operation.root}${declared === '' ? '' : ` (${declared})`} { ${body} }`;
}

/** A variable is declared as it is needed: an optional argument that is sent has a value. */
const typeText = ({ type }: GraphQLArgument): string => `${type}${isNonNullType(type) ? '' : '!'}`;
