// Who did something: a person, a key or the server. Effects and audit entries name actors by id only, since an actor may
// be gone; names are looked up for all of a response at once, in what this workspace may see.

import type { PrincipalKind } from '../auth/principal.js';
import type { Context } from '../context.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { isId } from '../platform/ids.js';
import { builder } from './builder.js';
import { PrincipalKindType } from './enums.js';
import { batch } from './list-rows.js';
import { readsFrom } from './source.js';

export interface Actor {
  readonly kind: PrincipalKind;
  readonly id: string;
}

const SYSTEM: Actor = { kind: 'SYSTEM', id: 'system' };

/** The options of a field for the person that a column names; null in the column stands for the server itself. */
export const personFrom = <Id extends string>(id: Id) => ({
  type: ActorType,
  nullable: false as const,
  extensions: readsFrom({ kind: 'actor', columns: { kind: null, id } }),
  resolve: ({ [id]: userId }: Readonly<Record<Id, string | null>>): Actor =>
    userId === null ? SYSTEM : { kind: 'SESSION', id: userId },
});

/** The options of a field for whoever a row names in `actorKind` and `actorId`. */
export const actorFrom = () => ({
  type: ActorType,
  nullable: false as const,
  extensions: readsFrom({ kind: 'actor', columns: { kind: 'actorKind', id: 'actorId' } }),
  resolve: ({ actorKind, actorId }: { readonly actorKind: PrincipalKind; readonly actorId: string }): Actor => ({
    kind: actorKind,
    id: actorId,
  }),
});

export const ActorType = builder.objectRef<Actor>('Actor').implement({
  description: 'Who acted.',
  authenticated: true,
  fields: (t) => ({
    kind: t.field({
      type: PrincipalKindType,
      nullable: false,
      description: 'With what kind of credential.',
      resolve: ({ kind }) => kind,
    }),
    id: t.id({
      nullable: false,
      description: 'A `usr_` or `key_` id; `system` for the server itself.',
      resolve: ({ id }) => id,
    }),
    name: t.string({
      nullable: true,
      description: 'The name of the person or key; null when it is not known here any more.',
      resolve: ({ id }, _args, context) => namesOf(context).load(id),
    }),
  }),
});

const namesOf = (context: Context) =>
  batch<string, string | null>(context, 'actor names', async (ids) => {
    const { db } = context.world;
    const names = new Map([...(await peopleOf(db, ids)), ...(await keysOf(db, ids)), ['system', 'Sallyport'] as const]);
    return ids.map((id) => names.get(id) ?? null);
  });

async function peopleOf(db: GuardedDb, ids: readonly string[]): Promise<[string, string][]> {
  const userIds = ids.filter((id) => isId(id, 'usr'));
  if (userIds.length === 0) return [];
  const members = await db.member.findMany({
    where: { userId: { in: userIds } },
    select: { userId: true, name: true },
  });
  return members.map(({ userId, name }) => [userId, name]);
}

async function keysOf(db: GuardedDb, ids: readonly string[]): Promise<[string, string][]> {
  const keyIds = ids.filter((id) => isId(id, 'key'));
  if (keyIds.length === 0) return [];
  const keys = await db.apiKey.findMany({ where: { id: { in: keyIds } }, select: { id: true, name: true } });
  return keys.map(({ id, name }) => [id, name]);
}
