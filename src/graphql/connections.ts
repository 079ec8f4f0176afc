// Nodes, pages and connections: the plumbing every list shares. Node and PageInfo take any credential; a connection and
// its edges take whatever their node type takes, handed down by name, so a list never needs a declaration of its own.
import type { InterfaceRef, ObjectRef } from '@pothos/core';
import type { Builder, Types } from './builder-types.js';
import { stateOf } from './guard-plugin/builder-state.js';

export interface NodeRef {
  readonly id: string;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface Edge<Node> {
  readonly cursor: string;
  readonly node: Node;
}

/** What a list's resolver returns. */
export interface Connection<Node> {
  readonly edges: readonly Edge<Node>[];
  readonly pageInfo: PageInfo;
  /** Called only when `totalCount` is selected. */
  totalCount(): number | Promise<number>;
}

export interface ConnectionRefs<Node> {
  readonly connection: ObjectRef<Types, Connection<Node>>;
  readonly edge: ObjectRef<Types, Edge<Node>>;
}

export const defineNodeInterface = (builder: Builder): InterfaceRef<Types, NodeRef> => {
  const { nodeTypes } = stateOf(builder);
  return builder.interfaceRef<NodeRef>('Node').implement({
    description: 'An object with an id of its own, readable by `node`.',
    authenticated: true,
    resolveType: ({ id }) => nodeTypes.get(id.slice(0, Math.max(0, id.indexOf('_'))))?.typeName,
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'Names the object everywhere and for ever.' }),
    }),
  });
};

export const definePageInfo = (builder: Builder): ObjectRef<Types, PageInfo> =>
  builder.objectRef<PageInfo>('PageInfo').implement({
    description: 'Where a page stands in its list.',
    authenticated: true,
    fields: (t) => ({
      hasNextPage: t.boolean({
        nullable: false,
        description: 'Whether the list goes on behind this page.',
        resolve: (page) => page.hasNextPage,
      }),
      hasPreviousPage: t.boolean({
        nullable: false,
        description: 'Whether the list has something before this page.',
        resolve: (page) => page.hasPreviousPage,
      }),
      startCursor: t.string({
        nullable: true,
        description: 'The cursor of the first edge; null on an empty page.',
        resolve: (page) => page.startCursor,
      }),
      endCursor: t.string({
        nullable: true,
        description: 'The cursor of the last edge; give it as `after` for the next page.',
        resolve: (page) => page.endCursor,
      }),
    }),
  });

const made = new WeakMap<object, Map<string, unknown>>();

/** Defined at the first call for a type, the same pair ever after. */
export const connectionOf = <Node>(builder: Builder, node: ObjectRef<Types, Node>): ConnectionRefs<Node> => {
  const known = made.get(builder) ?? new Map<string, unknown>();
  made.set(builder, known);
  const existing = known.get(node.name);
  if (existing !== undefined) return existing as ConnectionRefs<Node>;
  const refs = defineConnection(builder, node);
  known.set(node.name, refs);
  return refs;
};

const defineConnection = <Node>(builder: Builder, node: ObjectRef<Types, Node>): ConnectionRefs<Node> => {
  const { name } = node;
  const edge = builder.objectRef<Edge<Node>>(`${name}Edge`).implement({
    description: `One ${name} of a page, with its cursor.`,
    accessOfType: name,
    fields: (t) => ({
      cursor: t.string({ nullable: false, description: 'The place in the list.', resolve: (of) => of.cursor }),
      node: t.field({
        type: node,
        nullable: false,
        description: `The ${name}.`,
        resolve: ((of: Edge<Node>) => of.node) as never,
      }),
    }),
  });
  const connection = builder.objectRef<Connection<Node>>(`${name}Connection`).implement({
    description: `A page of a list of ${name} objects.`,
    accessOfType: name,
    fields: (t) => ({
      nodes: t.field({
        type: [node],
        nullable: false,
        description: 'The objects of the page.',
        resolve: ((of: Connection<Node>) => of.edges.map((one) => one.node)) as never,
      }),
      edges: t.field({
        type: [edge],
        nullable: false,
        description: 'The objects of the page, each with its cursor.',
        resolve: ((of: Connection<Node>) => of.edges) as never,
      }),
      pageInfo: t.field({
        type: builder.pageInfo,
        nullable: false,
        description: 'Where the page stands in the list.',
        resolve: ((of: Connection<Node>) => of.pageInfo) as never,
      }),
      totalCount: t.int({
        nullable: false,
        description: 'How many there are in all pages; counted only when asked for.',
        resolve: (of) => of.totalCount(),
      }),
    }),
  });
  return { connection, edge };
};
