// What is asked of every server, byte for byte the same.

export const OPERATION_NAMES = ['me', 'agents', 'nested', 'contact', 'draft'] as const;
export type OperationName = (typeof OPERATION_NAMES)[number];

export interface Operation {
  readonly name: OperationName;
  readonly title: string;
  readonly document: string;
}

/** The scopes that the five take together, and all that the key holds. */
export const SCOPES = ['agents:read', 'contacts:read', 'me:read', 'messages:read', 'messages:write'] as const;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  me: {
    name: 'me',
    title: 'me',
    document: 'query Me { me { kind organization { id name } workspace { id name plan } scopes } }',
  },
  agents: {
    name: 'agents',
    title: '50 agents × 8 fields',
    document:
      'query Agents { agents(first: 50) { nodes { id name description instructions model status createdAt updatedAt } } }',
  },
  nested: {
    name: 'nested',
    title: '20 conversations → contact, agent, last 10 messages',
    document: `query Nested { conversations(first: 20) { nodes {
      id subject status lastMessageAt
      contact { id name email company }
      agent { id name status }
      messages(first: 10) { nodes { id direction status body createdAt } }
    } } }`,
  },
  contact: {
    name: 'contact',
    title: 'one contact by id',
    document: 'query Contact($id: ID!) { contact(id: $id) { id name email phone company notes createdAt updatedAt } }',
  },
  draft: {
    name: 'draft',
    title: 'draft a message',
    document: `mutation Draft($input: CreateDraftInput!) {
      createDraft(input: $input) { messageId message { id status subject body createdAt } }
    }`,
  },
};

/** What the operations ask for, in one workspace. */
export interface Targets {
  readonly contactId: string;
  /** Not among the twenty liveliest conversations, so that drafts change no other answer. */
  readonly conversationId: string;
}

export const bodyOf = ({ document, name }: Operation, targets: Targets): string =>
  JSON.stringify({ query: document, variables: variablesOf(name, targets) });

function variablesOf(name: OperationName, { contactId, conversationId }: Targets): object {
  if (name === 'contact') return { id: contactId };
  if (name === 'draft') return { input: { conversationId, body: 'Your frame left the workshop this morning.' } };
  return {};
}
