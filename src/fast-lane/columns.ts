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

/** Whether the column holds free JSON and is shown as such. */
export const isFreeJson = (model: Model, name: string, type: GraphQLOutputType): boolean =>
  fieldOf(model, name).type === 'Json' && getNamedType(type).name === 'JSON' && !isListType(getNullableType(type));

/** As JSON, for whoever reads it in Node; `valueOfRawJson` makes of it what Prisma would have told. Never NULL. */
export function rawJsonOfColumn(model: Model, name: string, alias: string): string {
  return `coalesce(${rawText(fieldOf(model, name), `${alias}.${columnOf(name)}`)}, 'null')`;
}

export const valueOfRawJson = (model: Model, name: string): ((raw: unknown) => unknown) =>
  fieldOf(model, name).type === 'DateTime' ? (raw) => (raw === null ? null : new Date(raw as string)) : (raw) => raw;

function rawText({ name, kind, type, isList }: ModelField, column: string): string {
  if (isList) return type === 'String' ? `array_to_json(${column})::text` : notCompiled(`a list of ${type} in ${name}`);
  if (kind === 'enum') return quoted(`${column}::text`);
  switch (type) {
    case 'String':
      return `to_json(${column})::text`;
    case 'Int':
    case 'Boolean':
    case 'Json':
      return `${column}::text`;
    case 'DateTime':
      return quoted(`to_char(${column} AT TIME ZONE 'UTC', ${TIME})`);
    default:
      return notCompiled(`a ${type} in ${name}`);
  }
}

/** Never NULL, but where a column that the schema says is never null holds one. */
export function jsonOfColumn(model: Model, name: string, type: GraphQLOutputType, alias: string): string {
  const field = fieldOf(model, name);
  const column = `${alias}.${columnOf(name)}`;
  const text = jsonText(field, type, column);
  return field.isRequired ? text : `coalesce(${text}, 'null')`;
}

function jsonText(field: ModelField, type: GraphQLOutputType, column: string): string {
  if (isListType(getNullableType(type)) !== field.isList) {
    return notCompiled(`${field.name} is a list on one side only`);
  }
  const named = getNamedType(type);
  if (!isShownAs(field, named)) return notCompiled(`a ${field.type} as ${named.name}`);
  // Ours, and so without a character to escape.
  return field.name === 'id' ? quoted(column) : rawText(field, column);
}

function isShownAs({ kind, type }: ModelField, named: GraphQLNamedType): boolean {
  if (kind === 'enum') return isPlainEnum(named);
  if (type === 'String') return ['ID', 'String', 'Scope'].includes(named.name);
  return ['Int', 'Boolean', 'DateTime'].includes(type) && named.name === type;
}

const isPlainEnum = (type: GraphQLNamedType): boolean =>
  isEnumType(type) && type.getValues().every(({ name, value }) => name === value);

const quoted = (text: string): string => `'"' || ${text} || '"'`;
