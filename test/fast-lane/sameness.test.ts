// Sameness is the law: whatever is asked, by whomever, a compiled read answers byte for byte what the resolvers answer. The
// same operation goes by POST, where it is compiled, and by GET, where it never is.
import fc from 'fast-check';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { schema } from '../../src/schema.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type SeededWorkspace, seedSite, seedWorkspace } from '../support/world.js';
import { askBoth, laneLog } from './both-ways.js';
import { type Known, type MadeUpRead, madeUpRead } from './made-up-read.js';

/** Mostly what compiles whole, beside whatever there is. */
const WHOLE = [...Array.from({ length: 7 }, () => 'all' as const), 'any'] as const;
/** Two fields, of which the first compiles. */
const PARTS = ['first'] as const;

const lanes = laneLog();
let harness: Harness;
let ours: SeededWorkspace;
let theirs: SeededWorkspace;
let known: Known;
let askers: readonly { readonly name: string; readonly headers: Readonly<Record<string, string>> }[];

beforeAll(async () => {
  harness = await startHarness({ works: false, log: lanes.log });
  const { owner } = harness.database;
  ours = await seedWorkspace(owner, harness.place, 'ours');
  theirs = await seedWorkspace(owner, await seedSite(owner, 'theirs'), 'theirs');
  known = {
    ids: {
      id: [
        ...Object.values(ours.rows),
        theirs.rows.Contact,
        theirs.rows.Message,
        'ctc_01h455vb4pex5vsknk084sn02q',
        'no',
      ],
      ids: [...Object.values(ours.rows), ...Object.values(ours.rows), theirs.rows.Agent],
      contactId: [ours.rows.Contact, theirs.rows.Contact],
      agentId: [ours.rows.Agent, ours.rows.otherAgent],
    },
    cursors: await cursorsOf(),
  };
  askers = await everybody();
});
afterAll(() => harness.stop());

async function cursorsOf(): Promise<readonly string[]> {
  const owner = await harness.signIn();
  const { contacts, messages } = await owner.data<
    Record<'contacts' | 'messages', { edges: readonly { cursor: string }[] }>
  >('{ contacts { edges { cursor } } messages { edges { cursor } } }');
  return [...contacts.edges, ...messages.edges].map(({ cursor }) => cursor);
}

async function everybody() {
  const account = (scopes: readonly string[]) => harness.createKey({ kind: 'ACCOUNT', scopes });
  const keys = {
    'a key that reads everything': await account(['*:read']),
    'a key of contacts': await account(['contacts:read']),
    'a key of messages and agents': await account(['messages:read', 'agents:read', 'inboxes:read']),
    'a key that only writes': await account(['contacts:write', 'messages:write']),
    'an agent key': await harness.createKey({ kind: 'AGENT', agentId: ours.rows.Agent }),
  };
  const people = {
    'the owner': await harness.signIn(),
    'a member': await harness.signIn(await harness.addPerson('MEMBER')),
  };
  return [
    ...Object.entries(keys).map(([name, { key }]) => ({ name, headers: harness.as({ key }).headers })),
    ...Object.entries(people).map(([name, { headers }]) => ({ name, headers })),
  ];
}

const isValid = ({ query }: MadeUpRead): boolean => validate(schema, parse(query)).length === 0;

it.each([
  ['compile whole, and whatever else there is', WHOLE, 'fast', 120],
  ['compile in part', PARTS, 'split', 200],
] as const)(
  'holds for made-up reads that %s, of everybody',
  async (_title, shapes, wanted, numRuns) => {
    const taken = { fast: 0, split: 0, ordinary: 0 };
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (gen) => {
        const chooser = {
          pick: <T>(values: readonly T[]): T => values[gen(fc.nat, { max: values.length - 1 })] as T,
          chance: (percent: number) => gen(fc.nat, { max: 99 }) < percent,
        };
        const asker = chooser.pick(askers);
        const read = madeUpRead(schema, chooser, known, chooser.pick(shapes));
        fc.pre(isValid(read));
        // Twice: the second time the key is expected, and travels with its read.
        for (const turn of ['first', 'second']) {
          const { post, get, lane } = await askBoth(harness.url, lanes, asker.headers, read);
          expect(post, `${asker.name}, ${turn}: ${read.query} ${JSON.stringify(read.variables)}`).toEqual(get);
          if (lane !== null) taken[lane] += 1;
        }
      }),
      { numRuns, endOnFailure: true },
    );
    // Else the law would hold of nothing.
    expect(taken[wanted]).toBeGreaterThan(0);
    expect(taken.ordinary).toBeGreaterThan(0);
  },
  120_000,
);
