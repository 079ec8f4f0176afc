// What each field takes, read from the printed SDL and not from our own records: the suites judge the server by what it
// tells its callers.
import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type FieldDefinitionNode,
  Kind,
  parse,
  valueFromASTUntyped,
} from 'graphql';

export type Declared =
  | { readonly kind: 'scopes'; readonly anyOf: readonly (readonly string[])[] }
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'public'; readonly reason: string };

export interface DeclaredField {
  readonly coordinate: string;
  readonly description: string;
  /** More or fewer than one is a fault of the schema. */
  readonly access: readonly Declared[];
  /** `action contact.create`, `effect message.send spends`. */
  readonly does: readonly string[];
}

/** Every field of every object and interface, by its coordinate. */
export function readSdl(sdl: string): ReadonlyMap<string, DeclaredField> {
  const fields = new Map<string, DeclaredField>();
  for (const type of parse(sdl).definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION && type.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    for (const field of type.fields ?? []) {
      const coordinate = `${type.name.value}.${field.name.value}`;
      fields.set(coordinate, { coordinate, ...readField(field) });
    }
  }
  return fields;
}

function readField({ description, directives = [] }: FieldDefinitionNode): Omit<DeclaredField, 'coordinate'> {
  return {
    description: description?.value ?? '',
    access: directives.flatMap((directive) => readAccess(directive)),
    does: directives.flatMap((directive) => readDeed(directive)),
  };
}

function readAccess(directive: ConstDirectiveNode): Declared[] {
  switch (directive.name.value) {
    case 'requiresScopes':
      return [{ kind: 'scopes', anyOf: argument(directive, 'scopes') as string[][] }];
    case 'requiresRole':
      return [{ kind: 'role', role: String(argument(directive, 'role')) }];
    case 'authenticated':
      return [{ kind: 'authenticated' }];
    case 'public':
      return [{ kind: 'public', reason: String(argument(directive, 'reason')) }];
    default:
      return [];
  }
}

function readDeed(directive: ConstDirectiveNode): string[] {
  switch (directive.name.value) {
    case 'action':
      return [`action ${argument(directive, 'kind')}`];
    case 'effect':
      return [`effect ${argument(directive, 'kind')}${argument(directive, 'spends') === true ? ' spends' : ''}`];
    default:
      return [];
  }
}

function argument({ arguments: args = [], name }: ConstDirectiveNode, wanted: string): unknown {
  const value: ConstValueNode | undefined = args.find((one) => one.name.value === wanted)?.value;
  if (value === undefined) throw new Error(`@${name.value} without ${wanted}`);
  return valueFromASTUntyped(value);
}

/** As the access map writes it: `contacts:read`, `a and b, or c`, `role ADMIN`, `authenticated`, `public`. */
export function accessWords(access: Declared): string {
  if (access.kind === 'scopes') return access.anyOf.map((all) => all.join(' and ')).join(', or ');
  return access.kind === 'role' ? `role ${access.role}` : access.kind;
}
