// What an operation may cost before it is even validated. Every rule answers QUERY_TOO_COMPLEX with the limit, the number
// found and the remedy. Pure: a document, an operation and its variables in, a measure out; nothing here recurses, so no
// document can exhaust the stack.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import { CodedError } from '../platform/errors.js';
import { measuredOperation, measuredOperations, nestingOf, type Schema, SELECTIONS_MAX } from './measure.js';
import { requireDocumentWithoutNul } from './nul.js';

export interface Limit {
  readonly most: number;
  /** Why this number. */
  readonly reason: string;
  readonly remedy: string;
}

export const LIMITS = {
  characters: {
    most: 65_536,
    reason: 'The largest documents of generated clients have some 20,000; long values belong in variables.',
    remedy: 'Move long values into variables, or split the operation.',
  },
  tokens: {
    most: 2_000,
    reason: 'Ten times the introspection query; the parser stops there, far from the end of its stack.',
    remedy: 'Split the operation, or use fragments.',
  },
  depth: {
    most: 16,
    reason: 'The introspection query has 15; three connections inside each other with an object at the end have 12.',
    remedy: 'Ask for less nesting, or fetch the inner objects by id in a second operation.',
  },
  fields: {
    most: SELECTIONS_MAX,
    reason: 'Counted with fragments written out, so that fragments which spread each other cannot multiply unseen.',
    remedy: 'Ask for fewer fields, or spread fragments in fewer places.',
  },
  rootFields: {
    most: 20,
    reason: 'Each root field is a statement of its own, a mutation a transaction of its own.',
    remedy: 'Send several requests, or use nodes(ids) to read many objects.',
  },
  aliases: {
    most: 30,
    reason: 'An alias runs a field once more; __typename counts too, since it multiplies the answer all the same.',
    remedy: 'Use lists, nodes(ids) or variables instead of repeating a field.',
  },
  directives: {
    most: 50,
    reason: 'Each is looked at for each object; clients with many @include conditions stay below 20.',
    remedy: 'Remove directives, or split the operation.',
  },
  nodes: {
    most: 20_000,
    reason:
      'Page sizes multiplied along the nesting, then added up: two full pages inside each other (10,100) pass, three do not.',
    remedy: 'Ask for smaller pages (first or last), or fetch inner lists in a second operation.',
  },
} as const satisfies Readonly<Record<string, Limit>>;

export type LimitName = keyof typeof LIMITS;

/** Throws QUERY_TOO_COMPLEX when `found` passes the limit. */
export function requireWithin(name: LimitName, found: number): void {
  const { most, remedy } = LIMITS[name];
  if (found > most) throw tooComplex(name, String(found), remedy, { found });
}

const tooComplex = (name: LimitName, found: string, remedy: string, data: { found?: number } = {}): CodedError =>
  new CodedError(
    'QUERY_TOO_COMPLEX',
    `The operation has ${found} ${WORDS[name]}; at most ${LIMITS[name].most} are allowed. ${remedy}`,
    { limit: name, ...data, most: LIMITS[name].most },
  );

const WORDS: Readonly<Record<LimitName, string>> = {
  characters: 'characters',
  tokens: 'tokens',
  depth: 'levels of nesting',
  fields: 'fields with fragments written out',
  rootFields: 'root fields',
  aliases: 'aliases',
  directives: 'directives',
  nodes: 'objects by its page sizes',
};

/** GraphQL's parser, stopped at the token limit; it recurses with the nesting, which tokens bound. */
export function parseWithin(source: string | Source, options?: ParseOptions): DocumentNode {
  const text = typeof source === 'string' ? source : source.body;
  requireWithin('characters', text.length);
  try {
    const document = parse(source, { ...options, maxTokens: LIMITS.tokens.most });
    requireDocumentWithoutNul(document, text);
    return document;
  } catch (error) {
    // The parser has no type of its own for this; its sentence is stable through graphql 16.
    if (error instanceof GraphQLError && /^Syntax Error: Document contains more tha[nt] /.test(error.message)) {
      throw tooComplex('tokens', `more than ${LIMITS.tokens.most}`, LIMITS.tokens.remedy);
    }
    throw error;
  }
}

const judged = new WeakSet<DocumentNode>();

/** Throws QUERY_TOO_COMPLEX. An operation that is not found is left to whoever says so better. */
export function requireWithinLimits(
  schema: Schema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): void {
  if (!judged.has(document)) judgeDocument(schema, document);
  const chosen = measuredOperation(schema, document, operationName, variables);
  if (chosen !== null) requireWithin('nodes', chosen.nodes);
}

const OF_DOCUMENT = ['depth', 'fields', 'rootFields', 'aliases', 'directives'] as const;

function judgeDocument(schema: Schema, document: DocumentNode): void {
  for (const definition of document.definitions) {
    // Also what nobody spreads is validated, by rules that recurse.
    if (definition.kind === Kind.FRAGMENT_DEFINITION) requireNesting(definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) requireNesting(definition);
  }
  for (const { measure } of measuredOperations(schema, document).values()) {
    for (const name of OF_DOCUMENT) requireWithin(name, measure[name]);
  }
  judged.add(document);
}

const requireNesting = (definition: FragmentDefinitionNode | OperationDefinitionNode): void =>
  requireWithin('depth', nestingOf(definition));
