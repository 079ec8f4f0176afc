// Where a caller may write an id: every argument and input field of that type, each in the operation of its field. And
// the lists, whose cursors and texts may be carried from one workspace to another.
import {
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { isList, type Operation, tailOf } from './operations.js';
import { type Thing, thingAt } from './samples.js';

export interface Place {
  /** `Query.contact(id:)`, `UpdateContactInput.id` */
  readonly coordinate: string;
  readonly operation: Operation;
  readonly argument: string;
  /** The field of the input object; null for an argument of its own. */
  readonly inputField: string | null;
  /** What an id at this place names. */
  readonly thing: string;
}

/** Every place for an id. */
export const idPlaces = (operations: readonly Operation[]): readonly Place[] =>
  operations.flatMap((operation) => {
    const last = operation.steps.at(-1);
    if (last === undefined) return [];
    const { parent, field } = last;
    const answer = getNamedType(field.type);
    return field.args.flatMap(({ name, type }): Place[] => {
      const input = inputOf(type);
      if (input !== null) {
        return Object.values(input.getFields())
          .filter((inner) => getNamedType(inner.type).name === 'ID')
          .map((inner) => {
            const coordinate = `${input.name}.${inner.name}`;
            const thing = thingAt(coordinate, inner.name, null);
            return { coordinate, operation, argument: name, inputField: inner.name, thing };
          });
      }
      if (getNamedType(type).name !== 'ID') return [];
      const coordinate = `${parent.name}.${field.name}(${name}:)`;
      const thing = thingAt(coordinate, name, operation.nodeType ?? (isObjectType(answer) ? answer.name : null));
      const told = operation.nodeType === null ? coordinate : `${coordinate} ${operation.nodeType}`;
      return [{ coordinate: told, operation, argument: name, inputField: null, thing }];
    });
  });

function inputOf(type: GraphQLInputType) {
  const named = getNullableType(type);
  return isInputObjectType(named) ? named : null;
}

/** The variables with the id of a thing in this place, and the seal that goes with it. */
export function naming(place: Place, own: Readonly<Record<string, unknown>>, thing: Thing): object {
  const { argument, inputField, operation } = place;
  const variable = `${argument}${operation.steps.length - 1}`;
  if (inputField === null) return { ...own, [variable]: Array.isArray(own[variable]) ? [thing.id] : thing.id };
  const input = own[variable] as Readonly<Record<string, unknown>>;
  const seal = 'seal' in input && thing.seal !== undefined ? { seal: thing.seal } : {};
  return { ...own, [variable]: { ...input, ...seal, [inputField]: thing.id } };
}

export const lists = (operations: readonly Operation[]): readonly Operation[] =>
  operations.filter(({ steps }) => steps.slice(-1).some(({ field }) => isList(field)));

/** The type of what an operation's field answers. */
export function typeOf({ steps, coordinate }: Operation): GraphQLOutputType {
  const last = steps.at(-1);
  if (last === undefined) throw new Error(`${coordinate} has no steps.`);
  return last.field.type;
}

/** What is selected where a leak is looked for: of a list also what tells of rows without showing them. */
export function tellingTail(operation: Operation): string {
  if (lists([operation]).length === 0) return operation.tail;
  return ' { totalCount nodes { __typename } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } }';
}

/** The arguments of a list that search by a text of the caller's. */
export const textFilters = ({ steps }: Operation): readonly string[] =>
  (steps.at(-1)?.field.args ?? [])
    .filter(({ name, type }) => getNamedType(type).name === 'String' && name !== 'after' && name !== 'before')
    .map(({ name }) => name);

/** Everything there is to see of an object, one level deep, as far as the caller may. */
export function wholeTail(answer: GraphQLOutputType, mayRead: (coordinate: string) => boolean): string {
  const type = getNamedType(answer);
  if (!isObjectType(type)) return '';
  const { nodes } = type.getFields();
  const parts = Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    if (!mayRead(`${type.name}.${field.name}`) || field.args.some(isRequiredArgument)) return [];
    if (isLeafType(named)) return [field.name];
    if (field === nodes) return [`${field.name}${wholeTail(field.type, mayRead)}`];
    const { text, executes } = tailOf(named);
    return executes.every(mayRead) ? [`${field.name}${text}`] : [];
  });
  return ` { __typename ${parts.join(' ')} }`;
}
