// The SDL with every applied directive, which graphql-js leaves out: what schema.graphql and GET /schema.graphql hold.
// Sorted, and the same text for the same schema, so that a diff of it is a diff of the contract.
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  isIntrospectionType,
  isScalarType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  Kind,
  parse,
  print,
  printSchema as printPlain,
  type StringValueNode,
  visit,
} from 'graphql';

/** The schema is one of ours: its directives are on the types' syntax nodes, left there by the directives plugin. */
export const printSdl = (schema: GraphQLSchema): string => {
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !isSpecifiedScalarType(type) && !isIntrospectionType(type))
    .sort((one, other) => compare(one.name, other.name))
    .map(definitionOf);
  const definitions: DefinitionNode[] = [...directivesOf(schema), ...types];
  // The printer indents empty lines of a block, too.
  return `${print(normalized({ kind: Kind.DOCUMENT, definitions })).replace(/[ ]+$/gm, '')}\n`;
};

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const directivesOf = (schema: GraphQLSchema): readonly DirectiveDefinitionNode[] =>
  parse(printPlain(schema), { noLocation: true })
    .definitions.filter((node) => node.kind === Kind.DIRECTIVE_DEFINITION)
    .filter(({ name }) => !schema.getDirectives().some((of) => of.name === name.value && isSpecifiedDirective(of)))
    .sort((one, other) => compare(one.name.value, other.name.value));

const definitionOf = (type: GraphQLNamedType): DefinitionNode => {
  const node = type.astNode;
  if (node === null || node === undefined) throw new Error(`The type ${type.name} has no definition to print.`);
  if (!isScalarType(type) || node.kind !== Kind.SCALAR_TYPE_DEFINITION || typeof type.specifiedByURL !== 'string')
    return node;
  return { ...node, directives: [specifiedBy(type.specifiedByURL), ...(node.directives ?? [])] };
};

const specifiedBy = (url: string): ConstDirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'specifiedBy' },
  arguments: [
    { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'url' }, value: { kind: Kind.STRING, value: url } },
  ],
});

type Named = { readonly name: { readonly value: string } };
const byName = <Node extends Named>(nodes: readonly Node[] | undefined): readonly Node[] =>
  [...(nodes ?? [])].sort((one, other) => compare(one.name.value, other.name.value));
const asBlock = (description: StringValueNode | undefined): StringValueNode | undefined =>
  description === undefined ? undefined : { ...description, block: true };

/** Members in alphabetical order, descriptions as blocks. */
const normalized = (document: Parameters<typeof print>[0]) =>
  visit(document, {
    enter(node) {
      const described = 'description' in node ? { ...node, description: asBlock(node.description) } : node;
      switch (described.kind) {
        case Kind.OBJECT_TYPE_DEFINITION:
        case Kind.INTERFACE_TYPE_DEFINITION:
          return { ...described, fields: byName(described.fields), interfaces: byName(described.interfaces) };
        case Kind.INPUT_OBJECT_TYPE_DEFINITION:
          return { ...described, fields: byName(described.fields) };
        case Kind.FIELD_DEFINITION:
          return { ...described, arguments: byName(described.arguments) };
        case Kind.ENUM_TYPE_DEFINITION:
          return { ...described, values: byName(described.values) };
        case Kind.UNION_TYPE_DEFINITION:
          return { ...described, types: byName(described.types) };
        default:
          return described;
      }
    },
  });
