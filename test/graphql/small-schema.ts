// A small schema that uses every form of declaration, without a database: what the tests of this folder speak to.
import type { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import type { EffectKind } from '../../src/effects/effect-kind.js';
import { type Builder, createBuilder } from '../../src/graphql/builder.js';
import { registerNodeType } from '../../src/graphql/node-type.js';
import { badInput } from '../../src/platform/errors.js';

export const contactId = 'ctc_01h455vb4pex5vsknk084sn02q';
export const agentId = 'agt_01h455vb4pex5vsknk084sn02q';

interface ContactRow {
  readonly id: string;
  readonly kind: 'contact';
  readonly name: string;
}
interface AgentRow {
  readonly id: string;
  readonly kind: 'agent';
  readonly name: string;
}
export const contactRow: ContactRow = { id: contactId, kind: 'contact', name: 'Ada' };
export const agentRow: AgentRow = { id: agentId, kind: 'agent', name: 'Robo' };

export const triggered: EffectKind<{ mode: string; text: string }> = {
  kind: 'agent.trigger' as EffectKind['kind'],
  spends: true,
  payload: z.object({ mode: z.string(), text: z.string() }),
  price: () => 1,
};

/** What ran, in order: an operation that is refused as a whole leaves it empty. */
export type Trail = string[];

const defineTypes = (builder: Builder, ran: Trail) => {
  const note = <T>(name: string, value: T): T => {
    ran.push(name);
    return value;
  };
  const Named = builder.interfaceRef<ContactRow | AgentRow>('Named').implement({
    description: 'Something with a name.',
    authenticated: true,
    resolveType: ({ kind }) => (kind === 'contact' ? 'Contact' : 'Agent'),
    fields: (t) => ({
      name: t.exposeString('name', { nullable: true, description: 'How it is called.' }),
    }),
  });
  const Contact = builder.objectRef<ContactRow>('Contact').implement({
    description: 'A person.',
    scope: 'contacts:read',
    interfaces: [builder.nodeInterface, Named],
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'Its id.', scope: [['contacts:read'], ['contacts:write']] }),
      name: t.exposeString('name', { nullable: true, description: 'How it is called.' }),
      secret: t.string({
        nullable: true,
        description: 'Narrowed.',
        scope: [['contacts:read', 'calls:detail']],
        resolve: () => note('Contact.secret', 'x'),
      }),
      agent: t.field({ type: Agent, nullable: true, description: 'Its agent.', resolve: () => agentRow }),
    }),
  });
  const Agent = builder.objectRef<AgentRow>('Agent');
  Agent.implement({
    description: 'An agent.',
    scope: [['agents:read'], ['agent:config:read']],
    interfaces: [builder.nodeInterface, Named],
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'Its id.', scope: [['agents:read'], ['agents:write']] }),
      name: t.exposeString('name', { nullable: true, description: 'How it is called.' }),
      contacts: t.field({
        type: builder.connectionOf(Contact).connection,
        nullable: true,
        description: 'Its people.',
        resolve: () => connection(note('Agent.contacts', [contactRow])),
      }),
    }),
  });
  registerNodeType(builder, 'ctc', 'Contact', { read: 'contacts:read', write: 'contacts:write' });
  registerNodeType(builder, 'agt', 'Agent', { read: 'agents:read', write: 'agents:write' });
  const Hit = builder.unionType('Hit', {
    description: 'What a search finds.',
    types: [Contact, Agent],
    resolveType: ({ kind }) => (kind === 'contact' ? 'Contact' : 'Agent'),
  });
  return { Named, Contact, Agent, Hit, note };
};

const connection = <T>(rows: readonly T[]) => ({
  edges: rows.map((node) => ({ cursor: 'c', node })),
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  totalCount: () => rows.length,
});

const defineQueries = (
  builder: Builder,
  { Named, Contact, Agent, Hit, note }: ReturnType<typeof defineTypes>,
): void => {
  const Detail = builder.enumType('Detail', {
    description: 'How much.',
    values: { SHORT: { value: 'SHORT', description: 'Little.' }, FULL: { value: 'FULL', description: 'All.' } },
  });
  builder.queryFields((t) => ({
    contact: t.field({
      type: Contact,
      nullable: true,
      scope: 'contacts:read',
      description: 'One.',
      resolve: () => note('contact', contactRow),
    }),
    contacts: t.field({
      type: builder.connectionOf(Contact).connection,
      nullable: true,
      scope: 'contacts:read',
      description: 'All.',
      resolve: () => note('contacts', connection([contactRow])),
    }),
    agents: t.field({
      type: [Agent],
      nullable: true,
      scope: [['agents:read'], ['agent:config:read']],
      description: 'All.',
      resolve: () => note('agents', [agentRow]),
    }),
    search: t.field({
      type: [Hit],
      nullable: true,
      authenticated: true,
      description: 'Finds.',
      resolve: () => note('search', [contactRow, agentRow]),
    }),
    named: t.field({
      type: [Named],
      nullable: true,
      authenticated: true,
      description: 'Finds what has a name.',
      resolve: () => note('named', [contactRow, agentRow]),
    }),
    node: t.field({
      type: builder.nodeInterface,
      nullable: true,
      authenticated: true,
      scopeByIdPrefix: 'id',
      description: 'By id.',
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }) => note('node', rowOf(id)),
    }),
    nodes: t.field({
      type: t.listRef(builder.nodeInterface, { nullable: true }),
      nullable: true,
      authenticated: true,
      scopeByIdPrefix: 'ids',
      description: 'By ids.',
      args: { ids: t.arg.idList({ required: true }) },
      resolve: (_root, { ids }) => note('nodes', ids.map(rowOf)),
    }),
    members: t.stringList({
      nullable: true,
      role: 'ADMIN',
      description: 'People.',
      resolve: () => note('members', ['x']),
    }),
    version: t.string({
      nullable: true,
      public: 'says nothing of anybody.',
      description: 'Ours.',
      resolve: () => note('version', '1'),
    }),
    me: t.string({ nullable: true, authenticated: true, description: 'Who.', resolve: () => note('me', 'me') }),
    report: t.string({
      nullable: true,
      scope: [['analytics:read'], ['results:read']],
      scopeByArgument: { path: 'detail', values: { FULL: [['analytics:read', 'calls:detail']] } },
      description: 'A report.',
      args: { detail: t.arg({ type: Detail, description: 'How much.', defaultValue: 'SHORT' }) },
      resolve: (_root, { detail }) => note('report', String(detail)),
    }),
  }));
};

const rowOf = (id: string) => [contactRow, agentRow].find((row) => row.id === id) ?? null;

const defineMutations = (builder: Builder, { Contact, note }: ReturnType<typeof defineTypes>): void => {
  const Mode = builder.enumType('Mode', {
    description: 'How.',
    values: {
      CHAT: { value: 'CHAT', description: 'By chat.' },
      VOICE: { value: 'VOICE', description: 'By voice.' },
    },
  });
  builder.mutationField('createContact', (t) =>
    t.action({
      description: 'Make a contact.',
      scope: 'contacts:write',
      action: 'contact.create',
      creates: 'ctc',
      input: (i) => ({
        name: i.string({ required: true, description: 'How it is called.' }),
        since: i.field({ type: 'DateTime', description: 'Since when.' }),
      }),
      payload: (p) => ({ contact: p.field({ type: Contact, description: 'What was made.' }) }),
      repeat: (subjectId) => ({ contact: { ...contactRow, id: subjectId, name: 'repeated' } }),
      resolve: async ({ name, since }, _services, { db }, subjectId) => {
        await db.contact.create({ data: { id: subjectId, name } });
        note(`createContact ${since instanceof Date}`, null);
        return { contact: { ...contactRow, id: subjectId, name } };
      },
    }),
  );
  builder.mutationField('renameContact', (t) =>
    t.action({
      description: 'Rename a contact.',
      scope: 'contacts:write',
      action: 'contact.rename',
      input: (i) => ({ name: i.string({ required: true, description: 'How it will be called.' }) }),
      judgeInput: ({ name }) => {
        if (name.includes('*')) throw badInput('name: no stars.', 'input.name');
      },
      payload: (p) => ({ name: p.string({ description: 'The new one.' }) }),
      resolve: ({ name }) => note('renameContact', { name }),
    }),
  );
  builder.mutationField('resetEverything', (t) =>
    t.action({
      description: 'Start again.',
      role: 'OWNER',
      action: 'everything.reset',
      resolve: () => note('resetEverything', {}),
    }),
  );
  builder.mutationField('triggerAgent', (t) =>
    t.effect({
      description: 'Fire an agent.',
      scope: [['agents:trigger'], ['agent:trigger']],
      scopeByArgument: { path: 'input.mode', values: { VOICE: 'agents:trigger' } },
      effect: triggered,
      input: (i) => ({
        mode: i.field({ type: Mode, required: true, description: 'How.' }),
        text: i.string({ required: true, description: 'What to say.' }),
      }),
      payload: (p) => ({
        text: p.string({ nullable: true, description: 'What was frozen.', resolve: ({ payload }) => payload.text }),
      }),
      prepare: ({ mode, text }) => note('triggerAgent', { mode, text }),
    }),
  );
};

const defineSubscriptions = (builder: Builder, { note }: ReturnType<typeof defineTypes>): void => {
  builder.subscriptionField('contactChanged', (t) =>
    t.string({
      nullable: true,
      scope: 'contacts:read',
      description: 'Changes.',
      subscribe: async function* () {
        yield note('contactChanged', 'Ada');
      },
      resolve: (name) => String(name),
    }),
  );
};

const defineEffect = (builder: Builder): void => {
  builder.enumType('EffectStatus', {
    description: 'Where it stands.',
    values: { QUEUED: { description: 'Soon.' }, AWAITING_APPROVAL: { description: 'Waits.' } },
  });
  builder.prismaObject('Effect', {
    description: 'What leaves.',
    authenticated: true,
    own: true,
    fields: (t) => ({ id: t.exposeID('id', { description: 'Its id.' }) }),
  });
};

export interface SmallSchema {
  readonly builder: Builder;
  readonly schema: GraphQLSchema;
  readonly ran: Trail;
}

/** A builder with all definitions of the small schema, not built yet. */
export const smallBuilder = (ran: Trail = []): Builder => {
  const builder = createBuilder();
  const types = defineTypes(builder, ran);
  defineQueries(builder, types);
  defineMutations(builder, types);
  defineSubscriptions(builder, types);
  defineEffect(builder);
  return builder;
};

export const smallSchema = (): SmallSchema => {
  const ran: Trail = [];
  const builder = smallBuilder(ran);
  return { builder, schema: builder.toSchema(), ran };
};
