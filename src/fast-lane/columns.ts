// A column as the text that JSON.stringify would make of the field's value. PostgreSQL escapes strings as JavaScript does.
import {
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
} from 'graphql';
import { getDatamodel } from '../generated/pothos-types.js';
import { columnOf, type Model } from '../guard/tenancy.js';
import { notCompiled } from './not-compiled.js';

export interface ModelField {
  readonly name: string;
  readonly kind: string;
  /** A scalar, an enum or a model. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly isList: boolean;
  readonly isId: boolean;
  readonly relationFromFields?: readonly string[];
}

const models = getDatamodel().datamodel.models as unknown as Readonly<
  Record<string, { readonly fields: readonly ModelField[] } | undefined>
>;

const fields = new Map(
  Object.entries(models).map(([model, shape]) => [model, new Map(shape?.fields.map((field) => [field.name, field]))]),
);

export const fieldOf = (model: Model, name: string): ModelField =>
  fields.get(model)?.get(name) ?? notCompiled(`${model} has no field ${name}`);

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/** Never NULL, but where a column that the schema says is never null holds one. */
export function jsonOfColumn(model: Model, name: string, type: GraphQLOutputType, alias: string): string {
  const field = fieldOf(model, name);
  const column = `${alias}.${columnOf(name)}`;
  const text = jsonText(field, type, column);
  return field.isRequired ? text : `coalesce(${text}, 'null')`;
}

function jsonText(field: ModelField, type: GraphQLOutputType, column: string): string {
  const named = getNamedType(type);
  if (isListType(getNullableType(type)) !== field.isList)
    return notCompiled(`${field.name} is a list on one side only`);
  if (field.isList) return listText(field, named, column);
  if (field.kind === 'enum') {
    return isPlainEnum(named) ? quoted(`${column}::text`) : notCompiled(`${field.name} has other names for its values`);
  }
  switch (`${field.type} ${named.name}`) {
    case 'String ID':
      // Ours, and so without a character to escape.
      return field.name === 'id' ? quoted(column) : `to_json(${column})::text`;
    case 'String String':
    case 'String Scope':
      return `to_json(${column})::text`;
    case 'Int Int':
    case 'Boolean Boolean':
      return `${column}::text`;
    case 'DateTime DateTime':
      return quoted(`to_char(${column} AT TIME ZONE 'UTC', ${TIME})`);
    default:
      return notCompiled(`a ${field.type} as ${named.name}`);
  }
}

function listText(field: ModelField, named: GraphQLNamedType, column: string): string {
  const isText = field.type === 'String' && ['String', 'Scope', 'ID'].includes(named.name);
  return isText ? `array_to_json(${column})::text` : notCompiled(`a list of ${field.type} as ${named.name}`);
}

const isPlainEnum = (type: GraphQLNamedType): boolean =>
  isEnumType(type) && type.getValues().every(({ name, value }) => name === value);

const quoted = (text: string): string => `'"' || ${text} || '"'`;
