import type { z } from 'zod';
import { badInput } from './errors.js';

/**
 * The parsed value, or BAD_USER_INPUT that names the first field at fault and what it takes.
 * @param at where the value stands in the caller's arguments.
 */
export function requireValid<Schema extends z.ZodType>(schema: Schema, value: unknown, at = 'input'): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = [at, ...(issue?.path ?? [])].join('.');
  throw badInput(`${field}: ${issue?.message ?? 'not valid'}`, field);
}

/** What the caller named: a field left out stays as it is, a null clears it. */
export function given<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]: Exclude<Fields[Name], undefined>;
  };
}
