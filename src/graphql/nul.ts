// PostgreSQL's text cannot hold the character NUL: whatever carries one is refused at the door, by name, instead of
// failing later as if the server were at fault. Both checks look at the raw text first, which almost never has one.
import { type DocumentNode, visit } from 'graphql';
import { badInput } from '../platform/errors.js';

/** @throws BAD_USER_INPUT naming the place of the first NUL in a variable. @param text the JSON that the variables came in */
export function requireVariablesWithoutNul(variables: unknown, text: string): void {
  if (!text.includes('\\u0000')) return;
  const place = placeOfNul(variables);
  if (place !== null) throw refusal(place.join('.'));
}

/** @throws BAD_USER_INPUT for a NUL in a text written into the operation */
export function requireDocumentWithoutNul(document: DocumentNode, text: string): void {
  if (!/\\u(0000|\{0+\})/.test(text)) return;
  visit(document, {
    StringValue({ value }) {
      if (value.includes('\0')) throw refusal('query');
    },
  });
}

const refusal = (field: string) => badInput(`${field}: holds a NUL character; remove it.`, field);

/** So much of a place is named. */
const SHOWN_MAX = 8;

/** Walks without recursion: a caller chooses how deep a variable is nested. */
function placeOfNul(root: unknown): readonly string[] | null {
  const open: { readonly value: unknown; readonly place: readonly string[] }[] = [{ value: root, place: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, place } = next;
    if (typeof value === 'string' && value.includes('\0')) return place;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, part] of Object.entries(value)) {
      open.push({ value: part, place: place.length < SHOWN_MAX ? [...place, name] : place });
    }
  }
  return null;
}
