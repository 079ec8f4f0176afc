import type { GraphQLObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { rulesOf } from '../../src/graphql/access-map.js';
import { type Builder, createBuilder } from '../../src/graphql/builder.js';
import { smallBuilder, smallSchema } from './small-schema.js';

const problemsOf = (define: (builder: Builder) => void): string => {
  const builder = smallBuilder();
  define(builder);
  try {
    builder.toSchema();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('a schema that does not say what it takes', () => {
  it('does not build, and names every field without a declaration at once', () => {
    const problems = problemsOf((builder) => {
      builder.queryField('one', (t) => t.string({ description: 'One.', resolve: () => '' }));
      builder.queryField('two', (t) => t.string({ description: 'Two.', resolve: () => '' }));
      builder.objectRef<object>('Bare').implement({
        description: 'Bare.',
        fields: (t) => ({ three: t.string({ description: 'Three.', resolve: () => '' }) }),
      });
    });
    for (const coordinate of ['Query.one', 'Query.two', 'Bare.three']) {
      expect(problems).toContain(`${coordinate} declares no scope, role, authenticated or public`);
    }
  });

  it.each([
    [{ scope: 'contacts:read', public: 'because.' } as const, 'declares scopes and public; declare one'],
    [{ role: 'ADMIN', authenticated: true } as const, 'declares role and authenticated; declare one'],
    [{ scope: [] } as const, 'declares an empty scope'],
    [{ scope: [[]] } as const, 'declares an empty scope'],
    [{ public: ' ' } as const, 'is public without a reason'],
    [{ scope: 'contacts:read', own: true } as const, 'is `own` without being authenticated'],
    [{ authenticated: true, scopeByIdPrefix: 'id' } as const, 'has no argument id to judge by'],
    [
      { scope: 'contacts:read', scopeByArgument: { path: 'a', values: { X: 'agents:read' } } } as const,
      'widens its scope where a is X',
    ],
    [
      { role: 'OWNER', roleByArgument: { path: 'a', values: { X: 'ADMIN' } } } as const,
      'widens its role where a is X; a case may only narrow it',
    ],
    [
      { scope: 'contacts:read', roleByArgument: { path: 'a', values: { X: 'ADMIN' } } } as const,
      'widens its role where a is X',
    ],
    [
      {
        role: 'ADMIN',
        roleByArgument: { path: 'a', values: { X: 'OWNER' } },
        scopeByArgument: { path: 'a', values: { X: 'agents:read' } },
      } as const,
      'is narrowed by scope and by role; say one',
    ],
    [
      { role: 'ADMIN', roleByArgument: { path: 'a', values: { X: 'OWNER' } } } as const,
      'has no argument a to judge by',
    ],
    [{ scope: 'contacts:read', authScopes: { access: [] } } as const, 'declares authScopes beside its access'],
  ])('does not build with %j', (declaration, problem) => {
    const problems = problemsOf((builder) => {
      builder.queryField('odd', (t) => t.string({ description: 'Odd.', ...declaration, resolve: () => '' }));
    });
    expect(problems).toContain(`Query.odd ${problem}`);
  });

  it('does not build with a type that declares two things', () => {
    const problems = problemsOf((builder) => {
      builder.objectRef<object>('Torn').implement({
        description: 'Torn.',
        role: 'ADMIN',
        scope: 'contacts:read',
        fields: (t) => ({ one: t.string({ description: 'One.', resolve: () => '' }) }),
      });
    });
    expect(problems).toContain('Torn declares scopes and role');
  });

  it('does not build when anything lacks a description', () => {
    const problems = problemsOf((builder) => {
      builder.queryField('mute', (t) => t.string({ public: 'x.', args: { odd: t.arg.string() }, resolve: () => '' }));
      const Input = builder.inputType('Wordless', { fields: (i) => ({ word: i.string() }) });
      builder.enumType('Silent', { values: ['A'] });
      builder.queryField('loud', (t) =>
        t.string({ description: 'Loud.', public: 'x.', args: { input: t.arg({ type: Input }) }, resolve: () => '' }),
      );
    });
    for (const place of ['Query.mute', 'Query.mute(odd:)', 'Wordless', 'Wordless.word', 'Silent', 'Silent.A']) {
      expect(problems).toContain(`  ${place} has no description`);
    }
    expect(problems).not.toContain('Query.loud(input:)');
  });

  it('does not build with a mutation that is neither action nor effect, or both, or misnamed', () => {
    const problems = problemsOf((builder) => {
      builder.mutationField('neither', (t) =>
        t.string({ description: 'Neither.', scope: 'contacts:write', resolve: () => '' }),
      );
      builder.mutationField('both', (t) =>
        t.action({
          description: 'Both.',
          scope: 'contacts:write',
          action: 'contact.both',
          // @ts-expect-error an action is not an effect
          effect: { kind: 'message.send' },
          resolve: () => ({}),
        }),
      );
      builder.mutationField('misnamed', (t) =>
        t.action({ description: 'X.', scope: 'contacts:write', action: 'misnamed', resolve: () => ({}) }),
      );
    });
    expect(problems).toContain('Mutation.neither is neither an action nor an effect');
    expect(problems).toContain('Mutation.both is both an action and an effect');
    expect(problems).toContain('Mutation.misnamed is named misnamed, which is not noun.verb');
  });

  it('does not compile with a misspelt scope', () => {
    const builder = createBuilder();
    builder.queryField('odd', (t) =>
      // @ts-expect-error there is no such scope
      t.string({ description: 'Odd.', scope: 'contact:read', resolve: () => '' }),
    );
    builder.queryField('odder', (t) =>
      // @ts-expect-error nor in a list
      t.string({ description: 'Odd.', scope: [['contacts:read', 'contact:read']], resolve: () => '' }),
    );
    expect(builder.actions.size).toBe(0);
  });

  it('does not build with an action that can be repeated but creates nothing', () => {
    const problems = problemsOf((builder) => {
      builder.mutationField('again', (t) =>
        t.action({
          description: 'X.',
          scope: 'contacts:write',
          action: 'contact.again',
          repeat: () => ({}),
          resolve: () => ({}),
        }),
      );
    });
    expect(problems).toBe('The action contact.again can be repeated but does not say what it creates.');
  });

  it('refuses an id prefix that names two types', () => {
    const builder = smallBuilder();
    expect(() =>
      builder.nodeType('Inbox', { prefix: 'ctc', read: 'inboxes:read', description: 'X.', fields: () => ({}) }),
    ).toThrow('The id prefix ctc names Contact already, not Inbox.');
  });
});

describe('a declaration', () => {
  const { schema } = smallSchema();
  const rule = (coordinate: string) => rulesOf(schema).find((one) => one.coordinate === coordinate);
  const typed = (name: string) => schema.getType(name) as GraphQLObjectType;

  it('is handed down by a type, and a field may replace it', () => {
    expect(rule('Contact.name')?.access).toEqual({ kind: 'scopes', anyOf: [['contacts:read']] });
    expect(rule('Contact.id')?.access).toEqual({ kind: 'scopes', anyOf: [['contacts:read'], ['contacts:write']] });
    expect(rule('Contact.secret')?.access).toEqual({ kind: 'scopes', anyOf: [['contacts:read', 'calls:detail']] });
    expect(rule('Named.name')?.access).toEqual({ kind: 'authenticated' });
  });

  it('is handed down by an interface to what its objects do not declare', () => {
    const builder = smallBuilder();
    const Sealed = builder.interfaceRef<object>('Sealed').implement({
      description: 'Sealed.',
      scope: 'audit:read',
      resolveType: () => 'Envelope',
      fields: (t) => ({ stamp: t.string({ description: 'Its stamp.', resolve: () => '' }) }),
    });
    builder.objectRef<object>('Envelope').implement({ description: 'An envelope.', interfaces: [Sealed] });
    const rules = rulesOf(builder.toSchema());
    expect(rules.find(({ coordinate }) => coordinate === 'Envelope.stamp')?.access).toEqual({
      kind: 'scopes',
      anyOf: [['audit:read']],
    });
  });

  it('of a node type over a model gives its fields the read scope, and its id the read or the write scope', () => {
    const builder = smallBuilder();
    const Inbox = builder.nodeType('Inbox', {
      prefix: 'inb',
      read: 'inboxes:read',
      write: 'inboxes:write',
      description: 'An address.',
      fields: (t) => ({
        address: t.exposeString('address', { nullable: false, description: 'The address.' }),
        effect: t.field({ type: builder.modelRef('Effect'), description: 'X.', resolve: () => null }),
      }),
    });
    builder.connectionOf(Inbox);
    expect(builder.connectionOf(Inbox)).toBe(builder.connectionOf(Inbox));
    const rules = rulesOf(builder.toSchema());
    const anyOf = (coordinate: string) => {
      const access = rules.find((one) => one.coordinate === coordinate)?.access;
      return access?.kind === 'scopes' ? access.anyOf : access;
    };
    expect(anyOf('Inbox.address')).toEqual([['inboxes:read']]);
    expect(anyOf('Inbox.id')).toEqual([['inboxes:read'], ['inboxes:write']]);
    expect(anyOf('InboxConnection.totalCount')).toEqual([['inboxes:read']]);
    expect(builder.nodeTypes.get('inb')).toEqual({
      typeName: 'Inbox',
      access: { kind: 'scopes', anyOf: [['inboxes:read'], ['inboxes:write']] },
    });
  });

  it('reaches connections and edges from their node type', () => {
    for (const name of ['ContactConnection', 'ContactEdge']) {
      for (const field of Object.keys(typed(name).getFields())) {
        expect(rule(`${name}.${field}`)?.access).toEqual({ kind: 'scopes', anyOf: [['contacts:read']] });
      }
    }
    expect(rule('PageInfo.hasNextPage')?.access).toEqual({ kind: 'authenticated' });
    expect(rule('Node.id')?.access).toEqual({ kind: 'authenticated' });
  });

  it('is a line of the description, which introspection shows', () => {
    const description = (type: string, field: string) => typed(type).getFields()[field]?.description?.split('\n\n')[1];
    expect(description('Query', 'contact')).toBe('Requires `contacts:read`.');
    expect(description('Contact', 'secret')).toBe('Requires `contacts:read` and `calls:detail`.');
    expect(description('Query', 'members')).toBe('Requires the role ADMIN.');
    expect(description('Query', 'me')).toBe('Requires a credential.');
    expect(description('Query', 'version')).toBe('Public: says nothing of anybody.');
    expect(description('Mutation', 'triggerAgent')).toBe(
      'Requires `agents:trigger`, or `agent:trigger`. Where `input.mode` is VOICE: `agents:trigger`.',
    );
  });
});
