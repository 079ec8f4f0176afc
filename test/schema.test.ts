// The contract, as files in git: what callers read (schema.graphql) and what every field takes on one page
// (test/access-map.txt). Both are read again here as text, without our own records of what was declared.
import { existsSync, readFileSync } from 'node:fs';
import { type ASTNode, Kind, parse, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import { accessMap } from '../src/graphql/access-map.js';
import { printSdl } from '../src/graphql/print.js';
import { schema } from '../src/schema.js';
import { accessWords, type Declared, readSdl } from './support/generate/access.js';

const sdl = printSdl(schema);
const fields = [...readSdl(sdl).values()];

describe('the snapshots in git', () => {
  it.each([
    ['schema.graphql', sdl],
    ['test/access-map.txt', accessMap(schema)],
  ])('%s is what the code says', (file, text) => {
    const stored = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const remedy = 'npm run build && node bin/sallyport.js schema check --write';
    expect(stored, `${file} is stale; read the diff, then write it anew: ${remedy}`).toBe(text);
  });
});

describe('the printed schema', () => {
  it('has fields to judge', () => {
    expect(fields.length).toBeGreaterThan(200);
  });

  it('says of every field exactly one thing that it takes', () => {
    const wrong = fields.filter(({ access }) => access.length !== 1).map(({ coordinate }) => coordinate);
    expect(wrong).toEqual([]);
  });

  it('says of every mutation, and of nothing else, exactly one thing that it does', () => {
    const wrong = fields
      .filter(({ coordinate, does }) => does.length !== (coordinate.startsWith('Mutation.') ? 1 : 0))
      .map(({ coordinate }) => coordinate);
    expect(wrong).toEqual([]);
  });

  it('names every action and effect once', () => {
    const names = fields.flatMap(({ does }) => does.map((deed) => deed.split(' ')[1]));
    expect(names.length).toBeGreaterThan(10);
    expect(new Set(names).size).toBe(names.length);
  });

  it('tells the same in the description of every field, since introspection shows no directives', () => {
    const wrong = fields
      .filter(({ access: [access], description }) => access !== undefined && !saysSo(description, access))
      .map(({ coordinate, description }) => `${coordinate}: ${description}`);
    expect(wrong).toEqual([]);
  });

  it('describes everything', () => {
    const bare: string[] = [];
    visit(parse(sdl), {
      enter(node, _key, _parent, _path, ancestors) {
        if (!isDescribable(node)) return;
        if ((node.description?.value.trim() ?? '') === '') bare.push(placeOf(node, ancestors.flat()));
      },
    });
    expect(bare).toEqual([]);
  });
});

describe('the access map', () => {
  const lines = accessMap(schema).trimEnd().split('\n');

  it('has one line per field, in order', () => {
    const coordinates = lines.map((line) => line.split(' ')[0]);
    expect(coordinates).toEqual(fields.map(({ coordinate }) => coordinate).sort());
  });

  it('says what the directives say', () => {
    const byCoordinate = new Map(fields.map((field) => [field.coordinate, field]));
    for (const line of lines) {
      const [coordinate = '', access = '', deed = ''] = line.split(/ {2,}/);
      const field = byCoordinate.get(coordinate);
      const [declared] = field?.access ?? [];
      if (declared === undefined) throw new Error(`${coordinate} is not in the schema.`);
      expect(access.replace(/ \((?:own|by prefix|input\.).*$/, ''), line).toBe(accessWords(declared));
      expect(deed, line).toBe(field?.does[0] ?? '');
    }
  });
});

function saysSo(description: string, access: Declared): boolean {
  const [last = ''] = description.split('\n\n').slice(-1);
  switch (access.kind) {
    case 'scopes': {
      const words = access.anyOf.map((all) => all.map((scope) => `\`${scope}\``).join(' and ')).join(', or ');
      return last.startsWith(`Requires ${words}.`);
    }
    case 'role':
      return last.startsWith(`Requires the role ${access.role}.`);
    case 'authenticated':
      return last.startsWith('Requires a credential.');
    case 'public':
      return last === `Public: ${access.reason}`;
  }
}

const describable = [
  Kind.DIRECTIVE_DEFINITION,
  Kind.SCALAR_TYPE_DEFINITION,
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.UNION_TYPE_DEFINITION,
  Kind.ENUM_TYPE_DEFINITION,
  Kind.INPUT_OBJECT_TYPE_DEFINITION,
  Kind.FIELD_DEFINITION,
  Kind.INPUT_VALUE_DEFINITION,
  Kind.ENUM_VALUE_DEFINITION,
] as const;
type Describable = Extract<ASTNode, { readonly kind: (typeof describable)[number] }>;

const isDescribable = (node: ASTNode): node is Describable =>
  (describable as readonly string[]).includes(node.kind) && !isArgumentOfDirective(node);

/** A directive's arguments are told by its own sentence. */
const directiveArguments = new Set(
  parse(sdl).definitions.flatMap((node) =>
    node.kind === Kind.DIRECTIVE_DEFINITION ? (node.arguments ?? []).map(({ loc }) => loc?.start) : [],
  ),
);
const isArgumentOfDirective = (node: ASTNode): boolean =>
  node.kind === Kind.INPUT_VALUE_DEFINITION && directiveArguments.has(node.loc?.start);

function placeOf(node: Describable, ancestors: readonly (ASTNode | readonly ASTNode[])[]): string {
  const names = [...ancestors, node].flatMap((one) =>
    'name' in one && one.name !== undefined ? [one.name.value] : [],
  );
  return names.join('.');
}
