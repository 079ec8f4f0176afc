// Descriptions are the public documentation, so the schema does not build without them. A few fields mean the same
// everywhere and have their sentence here.
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';

const FIELD_SENTENCES: Readonly<Record<string, string>> = {
  createdAt: 'When it was made.',
  updatedAt: 'When it last changed.',
};

const ARGUMENT_SENTENCES: Readonly<Record<string, string>> = {
  after: 'A cursor of this list: the page starts behind it.',
  before: 'A cursor of this list: the page ends before it.',
  first: 'How many, from the start; at most 100.',
  last: 'How many, from the end; at most 100.',
  id: 'The id of the object.',
  ids: 'The ids of the objects.',
  input: 'What is asked for.',
};

export const fieldSentence = (name: string): string | undefined => FIELD_SENTENCES[name];
export const argumentSentence = (name: string): string | undefined => ARGUMENT_SENTENCES[name];

/** The coordinates of everything that has no description. */
export const undescribed = (schema: GraphQLSchema): readonly string[] => {
  const found: string[] = [];
  const check = (coordinate: string, of: { readonly description?: string | null | undefined }): void => {
    if (of.description === undefined || of.description === null || of.description.trim() === '') found.push(coordinate);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    check(type.name, type);
    for (const [coordinate, part] of partsOf(type)) check(coordinate, part);
  }
  return found;
};

function* partsOf(type: GraphQLNamedType): Generator<[string, { readonly description?: string | null | undefined }]> {
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      yield [`${type.name}.${field.name}`, field];
      for (const arg of field.args) yield [`${type.name}.${field.name}(${arg.name}:)`, arg];
    }
  } else if (isEnumType(type)) {
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value];
  } else if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) yield [`${type.name}.${field.name}`, field];
  }
}
