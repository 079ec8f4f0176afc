// What an operation came to inside one transaction, read before that ends: the entries, events and jobs it wrote, what it
// asked for, and the rows it changed. Two outcomes are the same when their digests are: ids that came to be are told by the
// order in which they occur, and what chance, time and use make of every run is left out.
import { createHash } from 'node:crypto';
import type { Prisma } from '../generated/prisma/client.js';
import { type NamedRow, rowsNamed } from '../guard/rows-named.js';
import { canonicalJson } from '../platform/canonical-json.js';
import { CodedError } from '../platform/errors.js';
import type { RuleVerdict } from './approval-policy.js';
import type { Effect } from './effect-port.js';
import type { Written } from './operations.js';
import { ruleOf } from './stored-effect.js';
import { requireSystem, type World } from './world.js';

/** One entry of the audit trail, as far as it is the same each time. */
export interface Change {
  readonly action: string;
  readonly outcome: string;
  /** Null for what comes to be, and for what is about no object. */
  readonly subjectId: string | null;
  readonly isNew: boolean;
  readonly costCredits: number | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Happening {
  readonly type: string;
  readonly subjectId: string | null;
  readonly data: unknown;
}

export interface OutcomeOfPlan {
  readonly changes: readonly Change[];
  readonly events: readonly Happening[];
  /** What it asks for, in the order in which it asks, as it lies in the database. */
  readonly effects: readonly Effect[];
  /** Their payloads, as they are asked for. */
  readonly payloads: readonly Prisma.JsonValue[];
  readonly verdicts: readonly RuleVerdict[];
  readonly digest: string;
}

/** @param world of the owner's transaction in which it was written */
export async function readOutcome(world: World, written: Written): Promise<OutcomeOfPlan> {
  const system = requireSystem(world);
  const tenant = world.db.$tenant;
  const { workspaceId } = tenant;
  const { auditIds, eventIds, newIds } = written;
  const entries = inOrder(
    await system.auditEntry.findMany({ where: { workspaceId, id: { in: [...auditIds] } } }),
    auditIds,
  );
  const happened = inOrder(
    await system.event.findMany({ where: { workspaceId, id: { in: [...eventIds] } } }),
    eventIds,
  );
  const askedIds = entries.flatMap(({ action, effectId }) => (effectId !== null && asks(action) ? [effectId] : []));
  const effects = inOrder(await system.effect.findMany({ where: { workspaceId, id: { in: askedIds } } }), askedIds);
  const payloads = (await world.vault.open(world.db, effects)).map(requireOpened);
  const named = entries.flatMap(({ subjectId, effectId }) => [subjectId, effectId].filter((id) => id !== null));
  const rows = await rowsNamed(system, tenant, [...new Set([...named, ...happened.map(({ subjectId }) => subjectId)])]);
  const known = (id: string | null) => (id === null || newIds.has(id) ? null : id);
  const changes = entries.map(({ action, outcome, subjectId, costCredits, details }): Change => {
    const isNew = subjectId !== null && newIds.has(subjectId);
    return { action, outcome, subjectId: known(subjectId), isNew, costCredits, details: lasting(details, newIds) };
  });
  const events = happened.map(({ type, subjectId, data }) => ({ type, subjectId: known(subjectId), data }));
  return {
    changes,
    events,
    effects,
    payloads,
    verdicts: written.verdicts,
    digest: digestOf({ changes, events, effects, payloads, rows: await asAskedFor(world, rows) }, written),
  };
}

const requireOpened = (payload: Prisma.JsonValue | CodedError): Prisma.JsonValue => {
  if (payload instanceof CodedError) throw payload;
  return payload;
};

interface EffectRow {
  readonly contact_id: string | null;
  readonly other_contact_id: string | null;
  readonly payload: Prisma.JsonValue;
}

/** What is stored under a person's key differs each time it is stored, so rows are told by what was asked for. */
async function asAskedFor({ db, vault }: World, rows: readonly NamedRow[]): Promise<readonly NamedRow[]> {
  const asked = rows.filter(({ model }) => model === 'Effect');
  const stored = asked.map(({ id, row }) => {
    const { contact_id: contactId, other_contact_id: otherContactId, payload } = row as EffectRow;
    return { id, workspaceId: db.$tenant.workspaceId, contactId, otherContactId, payload };
  });
  const opened = await vault.open(db, stored);
  const payloads = new Map(asked.map((row, place) => [row, opened[place] ?? null]));
  return rows.map((named) => {
    const payload = payloads.get(named);
    // One that was altered stays as it lies; nothing that is done with it passes.
    if (payload === undefined || payload instanceof CodedError) return named;
    return { ...named, row: { ...(named.row as object), payload } };
  });
}

/** Whether the entry tells of something that is asked for; others name an effect that was there before. */
const asks = (action: string): boolean => !/^effects?\./.test(action);

const inOrder = <Row extends { readonly id: string }>(rows: readonly Row[], ids: readonly string[]): readonly Row[] => {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
};

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;

/** Without what differs from run to run: salted commitments, seals, the first characters of keys, times, new ids. */
function lasting(details: unknown, newIds: ReadonlySet<string>): Record<string, unknown> {
  const entries = Object.entries(details as object).filter(([name, value]) => {
    if (name === 'seal' || name === 'start') return false;
    if (typeof value === 'string') return !TIME.test(value) && !newIds.has(value);
    return typeof value !== 'object' || value === null || Array.isArray(value);
  });
  return Object.fromEntries(entries);
}

interface Comparable {
  readonly changes: readonly Change[];
  readonly events: readonly Happening[];
  readonly effects: readonly Effect[];
  readonly payloads: readonly Prisma.JsonValue[];
  readonly rows: readonly NamedRow[];
}

function digestOf({ changes, events, effects, payloads, rows }: Comparable, written: Written): string {
  const { jobs, verdicts, newIds } = written;
  const asked = effects.map((effect, place) => {
    const { kind, status, priceCredits, priceBook, isSandbox, scopes } = effect;
    const [payload, rule] = [payloads[place], ruleOf(effect)];
    return { kind, status, priceCredits, priceBook, isSandbox, payload, scopes, rule };
  });
  const whole = { changes, events, jobs: jobs.map(lastingJob), asked, verdicts, rows };
  return createHash('sha256')
    .update(canonicalJson(renamed(JSON.parse(JSON.stringify(whole)), newIds)))
    .digest('hex');
}

const lastingJob = ({ name, data }: Written['jobs'][number]) => {
  const { requestId: _, ...rest } = data as Readonly<Record<string, unknown>>;
  return { name, data: rest };
};

const ID = /[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}/g;

/** New ids become `ctc_new1`, by the order in which they occur. */
function renamed(value: unknown, newIds: ReadonlySet<string>, names = new Map<string, string>()): unknown {
  if (typeof value === 'string') {
    return value.replace(ID, (id) => {
      if (!newIds.has(id)) return id;
      const name = names.get(id) ?? `${id.slice(0, 4)}new${names.size + 1}`;
      names.set(id, name);
      return name;
    });
  }
  if (Array.isArray(value)) return value.map((one) => renamed(one, newIds, names));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, renamed(member, newIds, names)]));
}
