import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildOnce, openPlace, type Place } from './sallyport.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
let file: string;
let values: string;
beforeAll(async () => {
  await buildOnce();
  place = openPlace();
  const here = join(place.dataDir, '..');
  file = join(here, 'query.graphql');
  values = join(here, 'values.json');
  writeFileSync(
    file,
    'query People($full: Boolean!) { contacts { nodes { name } } agents @include(if: $full) { nodes { name } } }\n' +
      'mutation Send { sendMessage(input: { messageId: "msg_x" }) { messageId } }\n',
  );
  writeFileSync(values, '{ "full": true }');
});
afterAll(() => place?.remove());

const explain = (...args: string[]) => place.run(['access', 'explain', ...args]);

describe('access explain', () => {
  it('tells what a file takes, and ends with 0 where nobody is judged', async () => {
    const { code, stdout, stderr } = await explain(file, '--operation', 'Send');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/scopes named +messages:send/);
    expect(stdout).toMatch(/enough +messages:send/);
    expect(stdout).toMatch(/sendMessage +message\.send +spends/);
  });

  it('ends with 0 or 1 as a key with these scopes would be let through or refused', async () => {
    const judge = (scopes: string, variables: string) =>
      explain(file, '--operation', 'People', '--scopes', scopes, '--variables', variables, '--json');
    const allowed = await judge('read:contacts', '{"full":false}');
    expect(allowed.code).toBe(0);
    expect(JSON.parse(allowed.stdout)).toMatchObject({ allowed: true, scopes: ['contacts:read'], missingScopes: [] });
    const refused = await judge('read:contacts', `@${values}`);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      allowed: false,
      missingScopes: ['agents:read'],
      smallestSufficientSets: [['agents:read', 'contacts:read']],
    });
  });

  it('does not call allowed what hangs on a variable that is missing', async () => {
    const { code, stdout } = await explain(file, '--operation', 'People', '--scopes', 'contacts:read');
    expect(code).toBe(1);
    expect(stdout).toContain('$full');
    expect((await explain(file, '--operation', 'People', '--scopes', '*:read')).code).toBe(0);
  });

  it('tells only what suffices for the kind of key that is meant', async () => {
    const { stdout } = await explain(file, '--operation', 'Send', '--kind', 'agent');
    expect(stdout).toMatch(/enough +no key/);
  });

  it.each([
    ['a file that is not there', ['nowhere.graphql'], '<file>'],
    ['several operations and no name', [], '--operation'],
    ['scopes of both namespaces', ['--operation', 'Send', '--scopes', 'me:read,agent:trigger'], '--scopes'],
    ['a scope of the other kind', ['--operation', 'Send', '--scopes', 'me:read', '--kind', 'agent'], '--scopes'],
    ['variables that are no JSON', ['--operation', 'People', '--variables', '{'], '--variables'],
    ['no file', null, 'missing required argument'],
  ])('ends with 2 at %s, and says so', async (_, args, words) => {
    const [first] = args ?? [];
    const { code, stdout, stderr } = await explain(
      ...(args === null ? [] : first?.endsWith('.graphql') ? args : [file, ...args]),
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(words);
  });

  it('ends with 2 at a document that is no GraphQL or asks for what does not exist', async () => {
    const broken = join(place.dataDir, '..', 'broken.graphql');
    for (const [text, code] of [
      ['{ me {', 'GRAPHQL_PARSE_FAILED'],
      ['{ nobody }', 'GRAPHQL_VALIDATION_FAILED'],
    ] as const) {
      writeFileSync(broken, text);
      const ended = await explain(broken, '--json');
      expect(ended.code).toBe(2);
      expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } });
    }
  });
});
