// Everything asked at once, and rows edited behind the servers' backs, on two processes. `npm test` runs each a few times;
// `npm run chaos` as often as a promise should have been tried.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Served } from '../cli/sallyport.js';
import type { Client } from '../support/client.js';
import {
  type Arena,
  type Asked,
  approve,
  expectLedgerRight,
  mailProvider,
  openArena,
  reject,
  report,
  send,
  settled,
  times,
  whileLedgerIsRight,
} from './chaos-arena.js';

vi.setConfig({ testTimeout: 1_500_000, hookTimeout: 180_000 });

let arena: Arena;
let servers: readonly [Served, Served];
let owners: readonly [Client, Client];
beforeAll(async () => {
  arena = await openArena(await mailProvider());
  servers = [await arena.serve(), await arena.serve()];
  owners = [arena.ownerAt(servers[0]), arena.ownerAt(servers[1])];
}, 180_000);
afterAll(async () => {
  await Promise.all((servers ?? []).map((served) => served.stop()));
  await arena?.close();
});

const keyAt = (n: number, key: string): Client => arena.keyAt(servers[n % 2] as Served, key);
const ownerAt = (n: number): Client => owners[n % 2] as Client;
const mailsOf = (effectId: string): number =>
  arena.provider.calls().filter((call) => call.effectId === effectId).length;
const stored = (effectId: string) => arena.database.owner.effect.findFirstOrThrow({ where: { id: effectId } });
const asked = async (client: Client, more: object = {}): Promise<Asked> => {
  const { data, errors } = await send(arena, client, more);
  expect(errors).toEqual([]);
  return data.sendMessage.effect;
};

describe('money', () => {
  it('a hundred sends at once at a cap of ten, on two processes: exactly ten leave', async () => {
    for (let run = 0; run < times(2, 20); run++) {
      const { id, key } = await arena.createKey({ spendCapCredits: 10 });
      await arena.letSend(id);
      const all = Promise.all(Array.from({ length: 100 }, (_, n) => send(arena, keyAt(n, key))));
      const answers = await whileLedgerIsRight(arena, all);
      const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'ASKED');
      expect(codes.filter((code) => code === 'ASKED')).toHaveLength(10);
      expect(codes.filter((code) => code === 'SPEND_CAP_EXCEEDED')).toHaveLength(90);
      expect(await settled(arena, id, 60_000)).toEqual({ SUCCEEDED: 10 });
      const ids = answers.flatMap(({ data, errors }) => (errors.length === 0 ? [data.sendMessage.effect.id] : []));
      expect(ids.map(mailsOf)).toEqual(Array.from({ length: 10 }, () => 1));
    }
    report(`${times(2, 20)} × 100 concurrent sends at a cap of 10: 10 performed each time`);
  });

  it('fifty equal requests under one idempotency key: one effect, fifty equal answers', async () => {
    for (let run = 0; run < times(2, 20); run++) {
      const { id, key } = await arena.createKey();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => send(arena, keyAt(n, key), { idempotencyKey: `once-${run}` })),
      );
      expect(answers.map(({ errors }) => errors)).toEqual(answers.map(() => []));
      const [first] = answers;
      // It waits for a decision, so nothing of it changes between the first answer and the last.
      expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
      expect(await arena.database.owner.effect.count({ where: { apiKeyId: id } })).toBe(1);
      const effect = first?.data.sendMessage.effect as Asked;
      await approve(ownerAt(run), effect);
      expect(await settled(arena, id, 60_000)).toEqual({ SUCCEEDED: 1 });
      expect(mailsOf(effect.id)).toBe(1);
    }
  });
});

describe('decisions', () => {
  it('twenty-five approvals against twenty-five rejections at once: one winner, whom the others name', async () => {
    const { id, key } = await arena.createKey();
    const winners: string[] = [];
    for (let run = 0; run < times(3, 20); run++) {
      const effect = await asked(keyAt(run, key));
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const isApproval = (n + run) % 2 === 0;
          const person = ownerAt(n >> 1);
          return isApproval ? approve(person, effect) : reject(person, effect);
        }),
      );
      const won = answers.filter(({ errors }) => errors.length === 0);
      expect(won).toHaveLength(1);
      const decisions = await arena.database.owner.effectDecision.findMany({ where: { effectId: effect.id } });
      expect(decisions).toHaveLength(1);
      const decidedBy = decisions.map(({ userId, verdict }) => ({ userId, verdict }));
      for (const { errors } of answers.filter((answer) => answer !== won[0])) {
        expect(errors.map(({ extensions }) => extensions)).toMatchObject([{ code: 'CONFLICT', decidedBy }]);
      }
      await settled(arena, id, 60_000);
      const isApproved = decidedBy[0]?.verdict === 'APPROVED';
      expect((await stored(effect.id)).status).toBe(isApproved ? 'SUCCEEDED' : 'REJECTED');
      expect(mailsOf(effect.id)).toBe(isApproved ? 1 : 0);
      winners.push(isApproved ? 'APPROVED' : 'REJECTED');
      await expectLedgerRight(arena);
    }
    report(`25 approvals against 25 rejections, ${winners.length} times: ${winners.join(' ')}`);
  });
});

describe('what was edited in the database between approval and performance', () => {
  const resume = (pauseId: string) =>
    ownerAt(1).data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', { id: pauseId });
  const pause = async (): Promise<string> =>
    (
      await ownerAt(0).data<{ pauseEffects: { pause: { id: string } } }>(
        'mutation { pauseEffects(input: {}) { pause { id } } }',
      )
    ).pauseEffects.pause.id;

  const mismatch = 'APPROVAL_MISMATCH';
  /** Who has no key of the person can still write a payload of their own into the row, as one that lies under none. */
  const inTheOpen = (path: string, value: string) =>
    `contact_id = NULL, payload = jsonb_set($2::jsonb, '${path}', '"${value}"')`;
  it.each<[string, string, string]>([
    ['payload', mismatch, `UPDATE effect SET ${inTheOpen('{body}', 'Your password?')} WHERE id = $1`],
    ['recipient', mismatch, `UPDATE effect SET ${inTheOpen('{to,address}', 'eve@b.c')} WHERE id = $1`],
    ['sender', mismatch, `UPDATE effect SET ${inTheOpen('{from,address}', 'eve@b.c')} WHERE id = $1`],
    [
      'sealed payload',
      mismatch,
      `UPDATE effect SET payload = jsonb_build_object('sealed', reverse(payload->>'sealed')) WHERE id = $1`,
    ],
    [
      'payload, by that of another request to the same person',
      mismatch,
      `UPDATE effect e SET payload = o.payload FROM effect o WHERE e.id = $1 AND o.id = (SELECT max(l.id) FROM effect l
        WHERE l.contact_id = e.contact_id AND l.id <> e.id)`,
    ],
    ['person', mismatch, `UPDATE effect SET contact_id = 'ctc_01hzy00000e008000000000000' WHERE id = $1`],
    ['price', mismatch, 'UPDATE effect SET price_credits = 0, reserved_credits = 0 WHERE id = $1'],
    ['rule version', mismatch, `UPDATE effect SET rule = jsonb_set(rule, '{version}', '2') WHERE id = $1`],
    ['rule', mismatch, `UPDATE effect SET rule = jsonb_set(rule, '{requirement}', '"NONE"') WHERE id = $1`],
    ['requester', mismatch, `UPDATE effect SET actor_id = 'usr_1', actor_kind = 'SESSION' WHERE id = $1`],
    ['key that pays', mismatch, 'UPDATE effect SET api_key_id = NULL WHERE id = $1'],
    ['approvals', mismatch, 'DELETE FROM effect_decision WHERE effect_id = $1'],
    ['message', 'CONFLICT', `UPDATE message SET body = 'Your password?' WHERE effect_id = $1`],
    ['contact', 'CONFLICT', `UPDATE contact SET email = 'eve@b.c' WHERE $1 <> ''`],
  ])('does not leave when it was the %s; what nobody touched does', async (_, code, statement) => {
    const { key } = await arena.createKey();
    const before = await arena.database.owner.creditAccount.findFirstOrThrow();
    const paused = await pause();
    const [edited, untouched] = [await asked(keyAt(0, key)), await asked(keyAt(1, key))];
    for (const effect of [edited, untouched]) expect((await approve(ownerAt(1), effect)).errors).toEqual([]);
    expect((await stored(edited.id)).status).toBe('QUEUED');
    const values = [edited.id, ...(statement.includes('$2') ? [JSON.stringify(edited.payload)] : [])];
    const { rows } = await arena.database.executeAsOwner(`${statement} RETURNING 1`, values);
    expect(rows).toHaveLength(1);
    await resume(paused);
    await ended(edited.id);
    await ended(untouched.id);
    expect(await stored(edited.id)).toMatchObject({ status: 'FAILED', failure: { code }, chargedCredits: 0 });
    expect(mailsOf(edited.id)).toBe(0);
    // Whom to write to is asked of the contact for each.
    const isForBoth = statement.includes('UPDATE contact');
    await arena.database.executeAsOwner("UPDATE contact SET email = 'amelia@example.com'");
    expect((await stored(untouched.id)).status).toBe(isForBoth ? 'FAILED' : 'SUCCEEDED');
    expect(mailsOf(untouched.id)).toBe(isForBoth ? 0 : 1);
    expect(await arena.database.owner.creditAccount.findFirstOrThrow()).toMatchObject({
      balanceCredits: before.balanceCredits - (isForBoth ? 0 : 1),
      reservedCredits: before.reservedCredits,
    });
    await expectLedgerRight(arena);
  });

  async function ended(effectId: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
      if (['SUCCEEDED', 'FAILED', 'UNCERTAIN'].includes((await stored(effectId)).status)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The effect ${effectId} did not end.`);
  }
});
