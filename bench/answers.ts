// What makes the comparison one: before anything is measured, every server has given the same answer.
import { isDeepStrictEqual } from 'node:util';
import type { Running } from './contestants.js';
import { bodyOf, type Operation } from './operations.js';
import type { Place } from './seed.js';

export const headersOf = ({ key }: Pick<Place, 'key'>): Readonly<Record<string, string>> => ({
  Authorization: `Bearer ${key}`,
  'Content-Type': 'application/json',
  Accept: 'application/graphql-response+json',
});

/** @throws showing the two answers that differ; ids and times that a draft is given at its making may */
export async function requireEqualAnswers(
  servers: readonly Running[],
  operation: Operation,
  place: Place,
): Promise<void> {
  const answers = await Promise.all(
    servers.map(async (server) => ({ name: server.name, answer: await ask(server, operation, place) })),
  );
  const [first] = answers;
  for (const { name, answer } of answers) {
    if (isDeepStrictEqual(answer, first?.answer)) continue;
    const [one, other] = [first?.answer, answer].map((shown) => JSON.stringify(shown).slice(0, 1_500));
    throw new Error(`${operation.name}: ${first?.name} and ${name} answer differently:\n${one}\n${other}`);
  }
}

async function ask({ port }: Running, operation: Operation, place: Place): Promise<unknown> {
  const asked = { method: 'POST', headers: headersOf(place), body: bodyOf(operation, place) };
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, asked);
  // A draft is new each time.
  const isMade = (name: string, value: unknown) => name === 'createdAt' || /^msg_[0-9a-z]{26}$/.test(String(value));
  const masked = (name: string, value: unknown) => (isMade(name, value) ? 'made' : value);
  const text = await response.text();
  const body = JSON.parse(text, operation.name === 'draft' ? masked : undefined) as { data: unknown; errors?: unknown };
  // `extensions` tells of limits, which some of the servers do not have.
  return { status: response.status, data: body.data, errors: body.errors };
}
