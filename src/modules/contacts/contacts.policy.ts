// What two contacts become when they are one: pure, so that what is sealed is what an approver reads.
import { z } from 'zod';
import type { Contact } from '../../generated/prisma/client.js';
import { badInput } from '../../platform/errors.js';

export const NOTES_CHARS_MAX = 10_000;

const values = z.object({
  name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  company: z.string().nullable(),
  notes: z.string().nullable(),
  optedOutAt: z.iso.datetime().nullable(),
});
type Values = z.output<typeof values>;
const person = values.extend({ id: z.string() });
export type Person = z.output<typeof person>;

/** Two contacts as they were when their merge was asked for, and what becomes of them. */
export const contactMerge = z.object({
  stays: person,
  goes: person,
  /** The values of the one that stays, afterwards. */
  becomes: values,
  /** How much of the one that goes was there to be moved, and how many requests about it were waiting. */
  moves: z.object({ conversations: z.int(), messages: z.int() }),
  cancels: z.int(),
});
export type ContactMerge = z.output<typeof contactMerge>;

/** The fields of the one that stays that will be others than before. */
export const changedBy = ({ stays, becomes }: ContactMerge): readonly string[] =>
  (Object.keys(values.shape) as (keyof Values)[]).filter((field) => becomes[field] !== stays[field]);

export const personOf = ({ id, name, email, phone, company, notes, optedOutAt }: Contact): Person => ({
  ...{ id, name, email, phone, company, notes },
  optedOutAt: optedOutAt?.toISOString() ?? null,
});

/**
 * The one that stays keeps its own values, takes those of the other where it has none, has the notes of both, or becomes what
 * is given; and it is opted out where either is.
 * @throws BAD_USER_INPUT where the notes of both are too long together
 */
export function mergeOf(
  stays: Person,
  goes: Person,
  given: { readonly [Field in keyof Values]?: Values[Field] },
): Pick<ContactMerge, 'stays' | 'goes' | 'becomes'> {
  const notes = [...new Set([stays.notes, goes.notes].filter((text) => text !== null && text !== ''))].join('\n\n');
  if (given.notes === undefined && notes.length > NOTES_CHARS_MAX) {
    const long = `input.notes: those of both are longer than ${NOTES_CHARS_MAX} characters together; give what stays`;
    throw badInput(long, 'input.notes');
  }
  const becomes = {
    name: stays.name,
    email: stays.email ?? goes.email,
    phone: stays.phone ?? goes.phone,
    company: stays.company ?? goes.company,
    notes: notes === '' ? null : notes,
    ...given,
    // Whoever asked one of the two for silence asked for it; the earlier of both times, and nothing takes it back.
    optedOutAt: [stays.optedOutAt, goes.optedOutAt].filter((at) => at !== null).sort()[0] ?? null,
  };
  return { stays, goes, becomes };
}
