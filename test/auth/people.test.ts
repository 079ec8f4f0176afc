import { getAuthTables } from 'better-auth/db';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DISABLED_PATHS, OPEN_PATHS, openPeople, peopleOptions } from '../../src/auth/people.js';
import { getDatamodel } from '../../src/generated/pothos-types.js';
import { type AuthFixture, ORIGIN, openAuthFixture, SECRETS } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const options = () => ({
  database: auth.database,
  publicUrl: ORIGIN,
  allowedOrigins: [],
  secrets: SECRETS,
  signInAttemptsMax: 20,
  onError: () => undefined,
});

it('finds in our schema every model and field that better-auth uses', () => {
  const models = getDatamodel().datamodel.models;
  const tables = Object.values(getAuthTables(peopleOptions(options())));
  expect(tables.map((table) => table.modelName).sort()).toEqual([
    'account',
    'session',
    'twoFactor',
    'user',
    'verification',
  ]);
  for (const table of tables) {
    const name = table.modelName.charAt(0).toUpperCase() + table.modelName.slice(1);
    const ours = new Map(models[name]?.fields.map((field) => [field.name, field]));
    for (const [key, field] of Object.entries(table.fields)) {
      const column = ours.get(field.fieldName ?? key);
      expect(column, `${name}.${key}`).toBeDefined();
      if (field.required === false) expect(column?.isRequired, `${name}.${key} is nullable`).toBe(false);
      if (field.unique) expect(column?.isUnique, `${name}.${key} is unique`).toBe(true);
    }
    const filled = new Set([...Object.keys(table.fields), 'id']);
    const demanding = [...ours.values()].filter((field) => field.isRequired && !field.hasDefaultValue && !field.isList);
    const extra = demanding.filter((field) => field.kind !== 'object' && !filled.has(field.name));
    expect(
      extra.map((field) => field.name),
      `${name} demands nothing better-auth does not fill`,
    ).toEqual([]);
  }
});

it('disables every route of better-auth but those of the list', () => {
  const mounted = Object.values(openPeople(options()).api)
    .map((endpoint) => endpoint.path)
    .filter((path): path is NonNullable<typeof path> => path !== undefined);
  const known: readonly string[] = [...OPEN_PATHS, ...DISABLED_PATHS];
  expect(mounted.filter((path) => !known.includes(path))).toEqual([]);
  expect(mounted.length).toBeGreaterThan(20);
});

it('answers a disabled route 404 itself, behind our own list', async () => {
  const people = openPeople(options());
  for (const path of DISABLED_PATHS.filter((text) => !text.includes(':'))) {
    const response = await people.handler(new Request(`${ORIGIN}/api/auth${path}`, { method: 'POST', body: '{}' }));
    expect(response.status, path).toBe(404);
  }
});
