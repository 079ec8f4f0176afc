import { buildSchema, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { accessMap, rulesOf } from '../../src/graphql/access-map.js';
import { printSdl } from '../../src/graphql/print.js';
import { smallBuilder, smallSchema } from './small-schema.js';
import { contextOf, speaker } from './speak.js';

describe('the printed schema', () => {
  it('holds every applied directive and its definition, and reads back as a schema', () => {
    const sdl = printSdl(smallSchema().schema);
    expect(() => buildSchema(sdl)).not.toThrow();
    expect(sdl).toContain('directive @requiresScopes(scopes: [[Scope!]!]!) on FIELD_DEFINITION');
    expect(sdl).toContain('contact: Contact @requiresScopes(scopes: [["contacts:read"]])');
    expect(sdl).toContain('members: [String!] @requiresRole(role: ADMIN)');
    expect(sdl).toContain('version: String @public(reason: "says nothing of anybody.")');
    expect(sdl).toContain('@requiresScopes(scopes: [["contacts:write"]]) @action(kind: "contact.create")');
    expect(sdl).toContain('@effect(kind: "agent.trigger", spends: true)');
    expect(sdl).not.toMatch(/[ \t]$/m);
  });

  it('carries exactly one access directive on every field', () => {
    const again = buildSchema(printSdl(smallSchema().schema));
    const access = ['requiresScopes', 'requiresRole', 'authenticated', 'public'];
    let count = 0;
    for (const type of Object.values(again.getTypeMap())) {
      if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
      for (const field of Object.values(type.getFields())) {
        const applied = field.astNode?.directives?.filter(({ name }) => access.includes(name.value)) ?? [];
        expect([type.name, field.name, applied.length]).toEqual([type.name, field.name, 1]);
        count += 1;
      }
    }
    expect(count).toBe(rulesOf(smallSchema().schema).length);
  });

  it('is the same text however often and in whatever order it is built', () => {
    const builder = smallBuilder();
    expect(printSdl(builder.toSchema())).toBe(printSdl(builder.toSchema()));
    const other = smallSchema().schema;
    expect(printSdl(other)).toBe(printSdl(smallBuilder().toSchema({ sortSchema: false })));
  });
});

describe('the access map', () => {
  it('has one line per field, with its access and its action or effect', () => {
    const map = accessMap(smallSchema().schema);
    const lines = map.split('\n').map((line) => line.replace(/ {2,}/g, ' | '));
    expect(lines).toContain('Mutation.createContact | contacts:write | action contact.create');
    expect(lines).toContain(
      'Mutation.triggerAgent | agents:trigger, or agent:trigger (input.mode VOICE: agents:trigger) | effect agent.trigger spends',
    );
    expect(lines).toContain('Query.members | role ADMIN');
    expect(lines).toContain('Query.node | authenticated (by prefix of id)');
    expect(lines).toContain('Effect.id | authenticated (own)');
  });
});

describe('fieldAccess', () => {
  const { schema } = smallSchema();
  const ask = speaker(schema, 'on');
  const query = `query ($c: [String!]!) {
    fieldAccess(coordinates: $c) { coordinate access scopes role publicReason action effect spends own }
  }`;

  it('answers anybody what fields take', async () => {
    const answer = await ask(query, contextOf(null), {
      c: ['Contact.secret', 'Mutation.triggerAgent', 'Query.members'],
    });
    const none = {
      scopes: null,
      role: null,
      publicReason: null,
      action: null,
      effect: null,
      spends: false,
      own: false,
    };
    expect(answer).toEqual({
      status: 200,
      data: {
        fieldAccess: [
          {
            ...none,
            coordinate: 'Contact.secret',
            access: 'contacts:read and calls:detail',
            scopes: [['contacts:read', 'calls:detail']],
          },
          {
            ...none,
            coordinate: 'Mutation.triggerAgent',
            access: 'agents:trigger, or agent:trigger',
            scopes: [['agents:trigger'], ['agent:trigger']],
            effect: 'agent.trigger',
            spends: true,
          },
          { ...none, coordinate: 'Query.members', access: 'role ADMIN', role: 'ADMIN' },
        ],
      },
    });
  });

  it.each([
    'Query.nothing',
    'Nothing.at',
    'Query',
    'Query.version.more',
    'Mode.CHAT',
    '__Schema.types',
    'Query.constructor',
  ])('refuses the unknown coordinate %s', async (coordinate) => {
    const { errors } = await ask(query, contextOf(null), { c: [coordinate] });
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'coordinates' });
    expect(errors?.[0]?.message).toContain(coordinate);
  });
});
