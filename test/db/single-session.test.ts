import type { PGlite } from '@electric-sql/pglite';
import { describe, expect, it, vi } from 'vitest';
import { openSession } from '../../src/db/single-session.js';
import { isCoded } from '../../src/platform/errors.js';

/** Just enough of PGlite to say what was asked, and to fail as it does. */
function fakeEngine(answer: (text: string) => void) {
  const asked: string[] = [];
  const ask = async (text: string) => {
    asked.push(text);
    answer(text);
    return { rows: [], fields: [] };
  };
  const engine = { query: ask, exec: async (text: string) => [await ask(text)] } as unknown as PGlite;
  return { engine, asked };
}

const databaseError = (severity: string, code: string) =>
  Object.assign(new Error('could not write'), { severity, code });
const settles = async (promise: Promise<unknown>) =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    new Promise((resolve) => setTimeout(resolve, 50, false)),
  ]);

describe('the only session', () => {
  it.each([
    ['a full disk', databaseError('PANIC', '53100'), /disk that holds DATA_DIR is full/],
    ['any PANIC', databaseError('PANIC', 'XX000'), /stopped with PANIC XX000/],
    ['a breakdown of the engine', new WebAssembly.RuntimeError('unreachable'), /broke down \(unreachable\)/],
  ])('says so once after %s, and asks nothing more', async (_, failure, line) => {
    const { engine, asked } = fakeEngine((text) => {
      if (text === 'INSERT') throw failure;
    });
    const onFatal = vi.fn();
    const session = openSession(engine, { onFatal });
    expect(await settles(session.bound.transaction((tx) => tx.query('INSERT')))).toBe(false);
    expect(await settles(session.bound.query('SELECT'))).toBe(false);
    expect(onFatal).toHaveBeenCalledTimes(1);
    expect(onFatal.mock.calls[0]?.[0]).toMatch(line);
    expect(asked).toEqual(['BEGIN', 'INSERT']);
  });

  it('goes on after an ordinary error', async () => {
    const onFatal = vi.fn();
    const { engine, asked } = fakeEngine((text) => {
      if (text === 'INSERT') throw databaseError('ERROR', '23505');
    });
    const session = openSession(engine, { onFatal });
    await expect(session.bound.transaction((tx) => tx.query('INSERT'))).rejects.toThrow('could not write');
    await session.bound.query('SELECT');
    expect(asked).toEqual(['BEGIN', 'INSERT', 'ROLLBACK', 'SELECT']);
    expect(onFatal).not.toHaveBeenCalled();
  });

  it('refuses a query that waits for the transaction it is made in, and never runs it', async () => {
    const { engine, asked } = fakeEngine(() => undefined);
    const session = openSession(engine, { onFatal: vi.fn(), turnMs: 50 });
    const refusal = await session.bound
      .transaction(() => session.bound.query('OUTSIDE'))
      .catch((error: unknown) => error);
    expect(isCoded(refusal, 'SERVICE_UNAVAILABLE')).toBe(true);
    expect(asked).toEqual(['BEGIN', 'ROLLBACK']);
    await session.bound.query('SELECT');
    expect(asked).toEqual(['BEGIN', 'ROLLBACK', 'SELECT']);
  });

  it('serves no one as the owner when it cannot be bound again', async () => {
    const onFatal = vi.fn();
    let isBroken = false;
    const { engine } = fakeEngine((text) => {
      if (isBroken && text.startsWith('SET ROLE sallyport')) throw databaseError('ERROR', '42501');
    });
    const session = openSession(engine, { onFatal });
    await session.bind();
    isBroken = true;
    expect(await settles(session.script('SELECT 1'))).toBe(false);
    expect(onFatal).toHaveBeenCalledTimes(1);
    expect(await settles(session.bound.query('SELECT'))).toBe(false);
  });

  it('opens the owner’s every turn without the role, in a transaction', async () => {
    const { engine, asked } = fakeEngine(() => undefined);
    const session = openSession(engine, { onFatal: vi.fn() });
    await session.bind();
    await session.owner.query('SELECT');
    await session.script('A; B');
    expect(asked).toEqual([
      'SET ROLE sallyport_app',
      ...['BEGIN; SET LOCAL ROLE none', 'SELECT', 'COMMIT'],
      ...['SET ROLE none', 'A; B', 'SET ROLE sallyport_app'],
    ]);
  });

  it('lets no one use a transaction that is over', async () => {
    const { engine } = fakeEngine(() => undefined);
    const session = openSession(engine, { onFatal: vi.fn() });
    await expect(
      session.bound.transaction(async (tx) => {
        await tx.rollback();
        await tx.query('SELECT');
      }),
    ).rejects.toThrow('The transaction is over.');
  });
});
