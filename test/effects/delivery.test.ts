import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { openConnectors } from '../../src/connectors/registry.js';
import { defineEffect } from '../../src/effects/define-effect.js';
import { effectRegistry } from '../../src/effects/deps.js';
import { effectWork } from '../../src/effects/effect-jobs.js';
import type { Effect } from '../../src/effects/effect-port.js';
import type { WorkerDeps } from '../../src/effects/worker-world.js';
import { startWorker, type Worker } from '../../src/jobs/worker.js';
import { type FakeSmtp, startFakeSmtp } from '../support/fake-smtp.js';
import { aParcel, type Engine, openEngine, type Parcel, parcel } from './fixture.js';

let engine: Engine;
let admin: Principal;
let key: Principal;
let smtp: FakeSmtp;
let dataDir: string;
let worker: Worker;

const sendMail = defineEffect<Parcel, unknown>({
  kind: 'message.send',
  spends: true,
  payload: parcel,
  price: ({ credits }) => credits,
  connector: (_, connectors) => connectors.for('EMAIL').name,
  recheck: async () => {},
  perform: ({ to, body }, { connectors, idempotencyKey, signal }) => {
    const mail = { channel: 'EMAIL', from: { address: 'ada@acme.example', name: null }, subject: null, body } as const;
    return connectors.for('EMAIL').send({ ...mail, to: { address: to, name: null } }, { idempotencyKey, signal });
  },
});

beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(100);
  admin = await engine.person('ADMIN');
  key = await engine.key();
  smtp = await startFakeSmtp();
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-delivery-'));
  const connectors = openConnectors({ dataDir, smtp: { url: smtp.url, from: null }, model: null });
  const definitions = effectRegistry([sendMail]);
  const deps: WorkerDeps = { ...engine.worker, connectors, engine: { ...engine.worker.engine, definitions } };
  const { jobs, chores } = effectWork(deps);
  worker = await startWorker({ database: engine.database, queue: engine.queue, jobs, chores, log: deps.log });
});
afterAll(async () => {
  await worker.stop(5_000);
  await engine.queue.close();
  await engine.database.close();
  await smtp.close();
  await rm(dataDir, { recursive: true });
});
beforeEach(() => {
  smtp.received.length = 0;
  smtp.behave('accept');
});

const ended = async (effect: Effect): Promise<Effect> => {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const stored = await engine.read(effect);
    if (!['QUEUED', 'PERFORMING'].includes(stored.status)) return stored;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('It did not end within 10 s.');
};

describe('from approval to delivery', () => {
  it('delivers by SMTP, through the running worker, soon after the approval', async () => {
    const effect = await engine.approve(admin, await engine.propose(key));
    expect(await ended(effect)).toMatchObject({ status: 'SUCCEEDED', chargedCredits: 1, result: { captured: false } });
    expect(smtp.received).toHaveLength(1);
    expect(smtp.received[0]).toMatchObject({ from: 'ada@acme.example', to: [aParcel.to] });
    expect(smtp.received[0]?.text).toContain(`Message-ID: <${effect.id}@acme.example>`);
  });

  it('fails what the mail server refuses, and says what it said', async () => {
    smtp.behave({ at: 'RCPT', code: 550 });
    const stored = await ended(await engine.approve(admin, await engine.propose(key)));
    expect(stored).toMatchObject({ status: 'FAILED', failure: { code: 'REFUSED_BY_PROVIDER' }, chargedCredits: 0 });
    expect(JSON.stringify(stored.failure)).toContain('550');
  });

  it('delivers in the end what the mail server put off', async () => {
    smtp.behave({ at: 'DATA', code: 451 });
    const effect = await engine.approve(admin, await engine.propose(key));
    while (smtp.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    smtp.behave('accept');
    expect(await ended(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('sends once and says UNCERTAIN when the connection drops behind the message', async () => {
    smtp.behave('drop-after-data');
    const effect = await engine.approve(admin, await engine.propose(key));
    expect((await ended(effect)).status).toBe('UNCERTAIN');
    await engine.recover();
    expect(smtp.received).toHaveLength(1);
  });
});
