// Whether a schema coordinate stands in a schema: `Type.field`, `Type.field(argument:)`, `Enum.VALUE`, `@directive`.
import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';

const COORDINATE = /^(?:@(\w+)|([A-Z]\w*)\.(\w+)(?:\((\w+):\))?)$/;

export const isCoordinate = (text: string): boolean => COORDINATE.test(text);

export function stands(schema: GraphQLSchema, coordinate: string): boolean {
  const [, directive, typeName = '', member = '', argument] = COORDINATE.exec(coordinate) ?? [];
  if (directive !== undefined) return schema.getDirective(directive) != null;
  const type = schema.getType(typeName);
  if (isEnumType(type)) return argument === undefined && type.getValue(member) != null;
  if (isInputObjectType(type)) return argument === undefined && type.getFields()[member] !== undefined;
  if (!isObjectType(type) && !isInterfaceType(type)) return false;
  const field = type.getFields()[member];
  return field !== undefined && (argument === undefined || field.args.some(({ name }) => name === argument));
}
