import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Judge } from '../../src/auth/admission.js';
import { openApiKeyDoor } from '../../src/auth/api-key.js';
import { openJudge } from '../../src/auth/authenticate.js';
import { type CredentialWatch, type Entrance, openCredentialWatch } from '../../src/auth/credential-watch.js';
import { openSessionDoor } from '../../src/auth/session.js';
import { type FanOut, openFanOut } from '../../src/events/fan-out.js';
import { type Listening, openListening } from '../../src/request.js';
import { type Harness, startHarness } from '../support/harness.js';

const types = ['effect.queued'] as const;

let harness: Harness;
let fanOut: FanOut;
let watch: CredentialWatch;
let listening: Listening;
const judge: Judge = (credentials) =>
  openJudge({
    apiKeys: openApiKeyDoor(harness.database, 'sp'),
    sessions: openSessionDoor(harness.database, []),
    secureOnly: false,
  })(credentials);
beforeAll(async () => {
  harness = await startHarness({ works: false });
  fanOut = await openFanOut(harness.database);
  watch = await openCredentialWatch(harness.database, judge);
  listening = openListening(fanOut, watch);
});
afterAll(async () => {
  await watch?.close();
  await fanOut?.close();
  await harness?.stop();
});

async function entrance(): Promise<Entrance> {
  const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
  const ip = '127.0.0.1';
  const credentials = {
    authorization: null,
    xApiKey: key,
    cookie: null,
    workspaceId: null,
    ip,
    userAgent: null,
    isFromBrowser: false,
  };
  const admission = await judge(credentials);
  if (admission === null) throw new Error('Nobody entered.');
  return { principal: admission.principal, credentials };
}

const revoke = ({ principal: { workspaceId, id } }: Entrance) =>
  harness.database.owner.apiKey.update({
    where: { workspaceId_id: { workspaceId, id } },
    data: { status: 'REVOKED', revokedAt: new Date() },
  });

describe('listening', () => {
  it('leaves nothing behind when the listener goes before it ever waited', async () => {
    const iterator = listening.listen(await entrance(), types)[Symbol.asyncIterator]();
    expect(fanOut.subscriberCount).toBe(1);
    await iterator.return?.();
    expect(fanOut.subscriberCount).toBe(0);
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  it('leaves nothing behind when the listener goes while it waits', async () => {
    const iterator = listening.listen(await entrance(), types)[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toMatchObject({ done: true });
    expect(fanOut.subscriberCount).toBe(0);
  });

  it('ends with its key, also when that is revoked before the listener first waits', async () => {
    const entered = await entrance();
    const iterator = listening.listen(entered, types)[Symbol.asyncIterator]();
    await revoke(entered);
    for (let tries = 0; tries < 100 && fanOut.subscriberCount > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(fanOut.subscriberCount).toBe(0);
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  it('ends at once for a key that was revoked between the door and the stream', async () => {
    const entered = await entrance();
    await revoke(entered);
    const iterator = listening.listen(entered, types)[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ done: true });
    expect(fanOut.subscriberCount).toBe(0);
  });
});
