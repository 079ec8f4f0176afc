import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commit, opens } from '../../src/audit/commitment.js';
import {
  type Checkpoint,
  chainStart,
  entryText,
  isSignedBy,
  linkHash,
  type StoredEntry,
  type StoredLink,
  signHead,
} from '../../src/audit/links.js';
import type { ProblemKind } from '../../src/audit/problem.js';
import { type Trail, verifyTrail } from '../../src/audit/verify.js';

const pair = generateKeyPairSync('ed25519');
const key = { keyId: 'k1', privateKey: pair.privateKey };
const publicKeys = new Map([['k1', { publicKey: pair.publicKey }]]);
const start = Date.parse('2026-11-22T10:00:00Z');

const entryAt = (n: number, at = start + n * 1000): StoredEntry => ({
  workspaceId: 'wsp_1',
  id: `aud_${String(n).padStart(3, '0')}`,
  action: 'contact.create',
  outcome: 'DONE',
  actorKind: 'SESSION',
  actorId: 'usr_1',
  apiKeyId: null,
  agentId: null,
  allowedBy: 'contacts:write',
  subjectId: `ctc_${n}`,
  effectId: null,
  costCredits: null,
  requestId: 'req_1',
  ip: '192.0.2.1',
  details: { fields: ['name'], email: commit('a@example.com') },
  createdAt: new Date(at),
});

interface Stored {
  links: StoredLink[];
  entries: Map<string, StoredEntry>;
  checkpoints: Checkpoint[];
}

function chainOf(entries: readonly StoredEntry[]): StoredLink[] {
  let before = chainStart;
  return entries.map((entry, index) => {
    before = linkHash(before, index + 1, entryText(entry));
    return { seq: index + 1, entryId: entry.id, hash: before };
  });
}

/** `linked` entries in the chain with a checkpoint at its end, `tail` more without a link. */
function store(linked: number, tail = 0): Stored {
  const all = Array.from({ length: linked + tail }, (_, n) => entryAt(n + 1));
  const links = chainOf(all.slice(0, linked));
  const head = links.at(-1);
  const checkpoints = head === undefined ? [] : [checkpointOf(head)];
  return { links, entries: new Map(all.map((entry) => [entry.id, entry])), checkpoints };
}

const checkpointOf = ({ seq, hash }: StoredLink): Checkpoint =>
  signHead({ workspaceId: 'wsp_1', seq, hash, createdAt: new Date(start) }, key);

function trailOf({ links, entries, checkpoints }: Stored): Trail {
  const named = new Set(links.map(({ entryId }) => entryId));
  return {
    owner: { workspaceId: 'wsp_1' },
    linked: (async function* () {
      for (const link of links) yield { link, entry: entries.get(link.entryId) ?? null };
    })(),
    unlinked: (async function* () {
      for (const entry of entries.values()) if (!named.has(entry.id)) yield entry;
    })(),
    checkpoints,
  };
}

const verify = (stored: Stored) => verifyTrail(trailOf(stored), publicKeys);
const kinds = async (stored: Stored): Promise<ProblemKind[]> => [
  ...new Set((await verify(stored)).problems.map(({ kind }) => kind)),
];
const edit = (stored: Stored, id: string, change: Partial<Omit<StoredEntry, 'organizationId'>>) => {
  const entry = stored.entries.get(id);
  if (entry === undefined) throw new Error('no such entry');
  stored.entries.set(id, { ...entry, ...change } as StoredEntry);
};

describe('a trail that nobody touched', () => {
  it('verifies, and its unsealed tail is told apart', async () => {
    expect(await verify(store(5, 2))).toEqual({ ok: true, entries: 7, linked: 5, tail: 2, problems: [] });
    expect(await verify(store(0))).toEqual({ ok: true, entries: 0, linked: 0, tail: 0, problems: [] });
  });

  it('still verifies when the salt of a commitment is forgotten, which nobody can open any more', async () => {
    const stored = store(3);
    const promise = commit('a@example.com');
    expect(opens(promise, 'a@example.com')).toBe(true);
    expect(opens(promise, 'b@example.com')).toBe(false);
    for (const [id, entry] of stored.entries) {
      const details = entry.details as { email: { commitment: string } };
      stored.entries.set(id, { ...entry, details: { ...details, email: { ...details.email, salt: null } } });
    }
    expect((await verify(stored)).ok).toBe(true);
    expect(opens({ ...promise, salt: null }, 'a@example.com')).toBe(false);
  });
});

describe('a trail that somebody touched', () => {
  it('finds any edited field of any entry', async () => {
    const changes: Partial<StoredEntry>[] = [
      { action: 'contact.update' },
      { outcome: 'REFUSED' },
      { actorId: 'usr_2' },
      { apiKeyId: 'key_1' },
      { allowedBy: null },
      { subjectId: 'ctc_9' },
      { costCredits: 1 },
      { requestId: 'req_2' },
      { ip: null },
      { details: {} },
      { createdAt: new Date(start + 1) },
    ];
    for (const change of changes) {
      const stored = store(5);
      edit(stored, 'aud_003', change);
      const { problems } = await verify(stored);
      expect(problems, JSON.stringify(change)).toMatchObject([{ kind: 'edited', seq: 3, entryId: 'aud_003' }]);
    }
  });

  it('finds a removed entry, and one removed with its link', async () => {
    const withoutEntry = store(5);
    withoutEntry.entries.delete('aud_003');
    expect(await kinds(withoutEntry)).toEqual(['removed']);
    const withoutBoth = store(5);
    withoutBoth.entries.delete('aud_003');
    withoutBoth.links.splice(2, 1);
    expect(await kinds(withoutBoth)).toEqual(['removed']);
  });

  it('finds a removed entry although those behind it were given new places', async () => {
    const stored = store(5);
    stored.entries.delete('aud_003');
    stored.links.splice(2, 1);
    stored.links = stored.links.map((link, index) => ({ ...link, seq: index + 1 }));
    expect((await verify(stored)).problems).toMatchObject([{ kind: 'removed', seq: 3, entryId: null }]);
  });

  it('finds entries that changed places', async () => {
    const stored = store(5);
    const [second, fourth] = [stored.links[1], stored.links[3]];
    if (second === undefined || fourth === undefined) throw new Error('no links');
    stored.links[1] = { ...second, entryId: fourth.entryId };
    stored.links[3] = { ...fourth, entryId: second.entryId };
    expect(await kinds(stored)).toEqual(['reordered']);
  });

  it('finds an inserted entry, linked or waiting to be linked', async () => {
    const stored = store(5);
    stored.links.push({ seq: 6, entryId: 'aud_003', hash: 'f'.repeat(64) });
    expect(await kinds(stored)).toContain('inserted');
    const backdated = store(5);
    backdated.entries.set('aud_900', entryAt(900, start - 3_600_000));
    expect(await kinds(backdated)).toEqual(['inserted']);
    const linkedLate = store(5);
    const late = [...linkedLate.entries.values(), entryAt(900, start - 3_600_000)];
    linkedLate.entries = new Map(late.map((entry) => [entry.id, entry]));
    linkedLate.links = chainOf(late);
    expect(await kinds(linkedLate)).toEqual(['inserted', 'unsigned']);
  });

  it('finds a chain that was cut, and one that was made anew', async () => {
    const cut = store(5);
    cut.links = cut.links.slice(0, 3);
    expect(await kinds(cut)).toContain('truncated');
    const anew = store(5);
    edit(anew, 'aud_002', { actorId: 'usr_2' });
    anew.links = chainOf([...anew.entries.values()]);
    expect(await kinds(anew)).toEqual(['rewritten']);
  });

  it('does not believe a checkpoint of an unknown key or a broken signature', async () => {
    const stored = store(3);
    const [head] = stored.checkpoints;
    if (head === undefined) throw new Error('no checkpoint');
    expect(isSignedBy(head, pair.publicKey)).toBe(true);
    expect(await kinds({ ...stored, checkpoints: [{ ...head, keyId: 'k2' }] })).toEqual(['unknown-key']);
    expect(await kinds({ ...stored, checkpoints: [{ ...head, seq: 2 }] })).toEqual(['bad-signature']);
  });

  it('never verifies after any one of: an entry gone, two places swapped, a hash changed', async () => {
    const tampering = fc.record({ at: fc.nat(7), other: fc.nat(7), how: fc.constantFrom('entry', 'swap', 'hash') });
    await fc.assert(
      fc.asyncProperty(tampering, async ({ at, other, how }) => {
        const stored = store(8);
        const [link, second] = [stored.links[at], stored.links[other]];
        if (link === undefined || second === undefined || (how === 'swap' && at === other)) return;
        if (how === 'entry') stored.entries.delete(link.entryId);
        if (how === 'hash') stored.links[at] = { ...link, hash: 'e'.repeat(64) };
        if (how === 'swap') {
          stored.links[at] = { ...link, entryId: second.entryId };
          stored.links[other] = { ...second, entryId: link.entryId };
        }
        expect((await verify(stored)).ok).toBe(false);
      }),
    );
  });
});

describe('hashes that were made to explain each other', () => {
  it('explain nothing', async () => {
    const stored = store(10);
    edit(stored, 'aud_002', { ip: null });
    edit(stored, 'aud_010', { ip: null });
    const textAt = (seq: number) => entryText(stored.entries.get(stored.links[seq - 1]?.entryId ?? '') as StoredEntry);
    const set = (seq: number, before: string) => {
      const [link, hash] = [stored.links[seq - 1], linkHash(before, seq, textAt(seq))];
      if (link !== undefined) stored.links[seq - 1] = { ...link, hash };
      return hash;
    };
    // The tenth follows the first, the second the tenth, and those between follow the one before.
    let before = set(2, set(10, stored.links[0]?.hash ?? ''));
    for (let seq = 3; seq <= 9; seq++) before = set(seq, before);
    const { ok, problems } = await verify(stored);
    expect(problems).toMatchObject([{ kind: 'edited', seq: 2, entryId: 'aud_002' }]);
    expect(ok).toBe(false);
  });
});

describe('a long trail', () => {
  it('blames one place for what was taken out or put in, however many follow', async () => {
    const taken = store(3_000);
    taken.links.splice(999, 500);
    for (let n = 1_000; n < 1_500; n++) taken.entries.delete(`aud_${n}`);
    taken.links = taken.links.map((link, index) => ({ ...link, seq: index + 1 }));
    expect((await verify(taken)).problems).toMatchObject([{ kind: 'removed', seq: 1_000, entryId: null }]);
    const put = store(3_000);
    put.entries.set('aud_9999', entryAt(9_999, start + 1_000_500));
    put.links.splice(999, 0, { seq: 0, entryId: 'aud_9999', hash: 'd'.repeat(64) });
    put.links = put.links.map((link, index) => ({ ...link, seq: index + 1 }));
    expect((await verify(put)).problems).toMatchObject([{ kind: 'inserted', seq: 1_000, entryId: 'aud_9999' }]);
  });

  it('tells of several tamperings, each at its place', async () => {
    const stored = store(50);
    edit(stored, 'aud_010', { ip: null });
    stored.links.splice(19, 1);
    stored.entries.delete('aud_020');
    stored.links = stored.links.map((link, index) => ({ ...link, seq: index + 1 }));
    edit(stored, 'aud_040', { ip: null });
    const { problems } = await verify(stored);
    expect(problems.map(({ kind, entryId }) => [kind, entryId])).toEqual([
      ['removed', null],
      ['edited', 'aud_010'],
      ['edited', 'aud_040'],
    ]);
    expect(problems[0]).toMatchObject({ seq: 20 });
  });
});
