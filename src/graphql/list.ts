// A list is declared once, as data, and used as a field anywhere: on Query, or inside an object by the column that names
// its parent. The declaration makes the arguments, the order, the cursors and the statements, so nobody writes a resolver
// for a list, and a later step can compile them all.
import type { ArgumentRef, ObjectRef, TypeParam } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.js';
import type { Role } from '../guard/roles.js';
import type { Sql } from '../guard/sql.js';
import type { Model } from '../guard/tenancy.js';
import type { Builder, Types } from './builder-types.js';
import type { Connection } from './connections.js';
import type { ScopeDeclaration } from './guard-plugin/access.js';
import { cursorOf, cut, type ListArguments, type Page, type PlacesOfPage, pageOf } from './list-page.js';
import { type FilterRule, type ListRules, noParent, type OrderRule, type PageRow } from './list-query.js';
import { placesLoader, type Row, rowsLoader, totalLoader } from './list-rows.js';
import { ownRows } from './own-rows.js';
import { selects } from './selection.js';
import { readsFrom } from './source.js';

type InputType = 'String' | 'Boolean' | 'ID' | 'DateTime' | readonly [unknown] | object;
type FilterArgument = FilterRule & {
  readonly type: InputType;
  readonly description: string;
  readonly defaultValue?: unknown;
};

export interface ListDeclaration {
  readonly model: Model;
  readonly filters: Readonly<Record<string, FilterArgument>>;
  /** By the name callers use, for example `CREATED_AT`. */
  readonly orders: Readonly<Record<string, OrderRule & { readonly description: string }>>;
  readonly defaultOrder: ListRules['defaultOrder'];
  readonly always?: (alias: string) => Sql;
}

interface Placement {
  readonly description: string;
  readonly scope?: ScopeDeclaration;
  /** People only. */
  readonly role?: Role;
  readonly authenticated?: true;
  readonly own?: true;
  /** Inside an object: the column of the listed rows that holds the object's id. */
  readonly parentField?: string;
  /** Only what the principal itself asked for, whatever scopes it holds. */
  readonly onlyOwn?: { readonly field: string };
  /** Filters that this place does not offer. */
  readonly without?: readonly string[];
}

type FieldBuilder = PothosSchemaTypes.RootFieldBuilder<Types, unknown>;

export interface List {
  /** The list as a field; `t` is the builder of the type it stands in. */
  field(t: object, placement: Placement): ReturnType<FieldBuilder['field']>;
}

/** Declares how a type is listed. Call once per type; place it with `field` as often as needed. */
export function defineList(builder: Builder, ref: ObjectRef<Types, unknown>, declaration: ListDeclaration): List {
  const { connection } = builder.connectionOf(ref);
  const orderBy = defineOrder(builder, ref.name, declaration);
  return {
    field(t, placement) {
      const fields = t as FieldBuilder;
      const rules = rulesFor(declaration, placement);
      const filters = Object.keys(rules.filters).map((name): [string, ArgumentRef<Types, unknown>] => {
        const { type, description, defaultValue } = declaration.filters[name] as FilterArgument;
        const options = { type, required: false, description, ...(defaultValue === undefined ? {} : { defaultValue }) };
        return [name, fields.arg(options as never)];
      });
      return fields.field({
        description: placement.description,
        ...access(placement),
        type: connection as unknown as TypeParam<Types>,
        nullable: false,
        args: {
          first: fields.arg.int({ required: false }),
          after: fields.arg.string({ required: false }),
          last: fields.arg.int({ required: false }),
          before: fields.arg.string({ required: false }),
          ...Object.fromEntries(filters),
          orderBy: fields.arg({ type: orderBy, required: false, description: 'The order of the list.' }),
        },
        extensions: readsFrom({ kind: 'list', rules, typeName: ref.name, onlyOwn: placement.onlyOwn ?? null }),
        resolve: (parent: unknown, args: object, context: Context, info: GraphQLResolveInfo) =>
          readList(rules, ref.name, placement, { parent, args: args as ListArguments, context, info }),
      } as never);
    },
  };
}

function rulesFor(declaration: ListDeclaration, { parentField, without = [] }: Placement): ListRules {
  const kept = Object.entries(declaration.filters).filter(([name]) => !without.includes(name));
  return {
    model: declaration.model,
    filters: Object.fromEntries(kept),
    orders: declaration.orders,
    defaultOrder: declaration.defaultOrder,
    ...(declaration.always === undefined ? {} : { always: declaration.always }),
    ...(parentField === undefined ? {} : { parentField }),
  };
}

function access({ scope, role, authenticated, own }: Placement): object {
  if (role !== undefined) return { role };
  return scope === undefined ? { authenticated, own } : { scope };
}

function defineOrder(builder: Builder, name: string, { orders }: ListDeclaration) {
  const field = builder.enumType(`${name}OrderField`, {
    description: `What a list of ${name} objects is ordered by.`,
    values: Object.fromEntries(
      Object.entries(orders).map(([key, { description }]) => [key, { value: key, description }]),
    ),
  });
  return builder.inputType(`${name}Order`, {
    description: `The order of a list of ${name} objects; the id breaks ties.`,
    fields: (t) => ({
      field: t.field({ type: field, required: true, description: 'What to order by.' }),
      direction: t.field({ type: directionOf(builder), required: true, description: 'Which way.' }),
    }),
  });
}

const directions = new WeakMap<object, ReturnType<typeof defineDirection>>();

const defineDirection = (builder: Builder) =>
  builder.enumType('OrderDirection', {
    description: 'Which way a list runs.',
    values: {
      ASC: { value: 'ASC', description: 'Smallest, oldest or alphabetically first.' },
      DESC: { value: 'DESC', description: 'Largest, newest or alphabetically last.' },
    } as const,
  });

function directionOf(builder: Builder): ReturnType<typeof defineDirection> {
  const direction = directions.get(builder) ?? defineDirection(builder);
  directions.set(builder, direction);
  return direction;
}

interface Call {
  readonly parent: unknown;
  readonly args: ListArguments;
  readonly context: Context;
  readonly info: GraphQLResolveInfo;
}

async function readList(
  rules: ListRules,
  typeName: string,
  placement: Placement,
  call: Call,
): Promise<Connection<unknown>> {
  const { parent, args, context, info } = call;
  const { principal } = context.world;
  const own =
    placement.onlyOwn === undefined ? ownRows(typeName, principal) : { ...placement.onlyOwn, value: principal.id };
  const place = {
    workspaceId: principal.workspaceId,
    field: `${info.parentType.name}.${info.fieldName}`,
    secrets: context.cursorSecrets,
  };
  const page = pageOf(rules, args, place, own);
  const parentId = rules.parentField === undefined ? noParent : (parent as Row).id;
  const read = { rules, page, parentId };
  const wanted = selects(info);
  const needsPlaces = wanted.has('nodes') || wanted.has('edges') || wanted.has('pageInfo');
  const places = needsPlaces ? await placesLoader(context, info, read).load(parentId) : [];
  const found = cut(places, page.request);
  const needsRows = wanted.has('nodes') || wanted.has('edges');
  const rows = needsRows ? await loadRows(found, rules, context, info) : [];
  return {
    // A cursor is signed, which is not free: only those that somebody reads are made.
    edges: rows.map(({ row, place }) => ({
      node: row,
      get cursor() {
        return cursorOf(page, place);
      },
    })),
    pageInfo: pageInfo(found, page),
    totalCount: () => totalLoader(context, info, read).load(parentId),
  };
}

async function loadRows(found: PlacesOfPage, rules: ListRules, context: Context, info: GraphQLResolveInfo) {
  const loader = rowsLoader(context, info, rules.model);
  const rows = await Promise.all(found.rows.map(({ id }) => loader.load(id)));
  // A row deleted between the two statements is left out rather than answered as null.
  return found.rows.flatMap((place, index) => {
    const row = rows[index] ?? null;
    return row === null ? [] : [{ row, place }];
  });
}

function pageInfo({ rows, hasNextPage, hasPreviousPage }: PlacesOfPage, page: Page) {
  const cursorAt = (row: PageRow | undefined) => (row === undefined ? null : cursorOf(page, row));
  return {
    hasNextPage,
    hasPreviousPage,
    get startCursor() {
      return cursorAt(rows[0]);
    },
    get endCursor() {
      return cursorAt(rows.at(-1));
    },
  };
}
