import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, openBrowser } from '../support/browser.js';
import type { Client } from '../support/client.js';
import { type Shop, startShop, unknownId } from './shop.js';

const mine = '{ mySessions { id isCurrent ip userAgent createdAt lastUsedAt expiresAt secondFactorAt } }';
const end = 'mutation E($id: ID!) { endSession(input: { id: $id }) { endedId } }';
const endOthers = 'mutation { endOtherSessions { endedCount } }';
type Mine = { mySessions: { id: string; isCurrent: boolean; ip: string; userAgent: string }[] };

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
}, 120_000);
afterAll(() => shop?.stop());

async function signedInTwice(): Promise<{ userId: string; here: Browser; there: Browser }> {
  const person = await shop.addPerson('MEMBER');
  const [here, there] = [
    openBrowser(shop.url, { 'user-agent': 'Here/1' }),
    openBrowser(shop.url, { 'user-agent': 'There/1' }),
  ];
  for (const browser of [here, there]) await browser.post('/sign-in/email', person);
  return { userId: person.userId, here, there };
}

const listed = async (client: Client) => (await client.data<Mine>(mine)).mySessions;
const isOver = async (browser: Browser) =>
  (await browser.client().ask('{ me { kind } }')).errors[0]?.extensions.reason === 'UNKNOWN';

/** `ended` resolves when the stream has. */
async function openStream(client: Client): Promise<{ ended: Promise<void> }> {
  const response = await fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: { ...client.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'subscription { effectUpdated { id } }' }),
  });
  expect(response.status).toBe(200);
  return { ended: response.text().then(() => undefined) };
}

describe('does', () => {
  it('show a person where it is signed in, and which session asks', async () => {
    const { here } = await signedInTwice();
    const sessions = await listed(here.client());
    expect(sessions.map(({ isCurrent, userAgent, ip }) => [isCurrent, userAgent, ip])).toEqual([
      [false, 'There/1', '127.0.0.1'],
      [true, 'Here/1', '127.0.0.1'],
    ]);
  });

  it('end one session from its next request on, and its streams within a second', async () => {
    const { here, there } = await signedInTwice();
    const { ended } = await openStream(there.client());
    const other = (await listed(here.client())).find(({ isCurrent }) => !isCurrent);
    await here.client().data(end, { id: other?.id });
    expect(await isOver(there)).toBe(true);
    expect(await isOver(here)).toBe(false);
    await Promise.race([
      ended,
      new Promise((_, reject) => setTimeout(() => reject(new Error('The stream goes on.')), 1_000)),
    ]);
  });

  it('end all the others', async () => {
    const { here, there } = await signedInTwice();
    expect(await here.client().data(endOthers)).toEqual({ endOtherSessions: { endedCount: 1 } });
    expect(await isOver(there)).toBe(true);
    expect(await listed(here.client())).toHaveLength(1);
  });

  it('note the last use, at most once a minute', async () => {
    const { userId, here } = await signedInTwice();
    const { session } = shop.database.owner;
    const long = new Date(Date.now() - 3_600_000);
    await session.updateMany({ where: { userId }, data: { lastUsedAt: long } });
    const [current] = (await listed(here.client())).filter(({ isCurrent }) => isCurrent);
    const noted = await session.findUniqueOrThrow({ where: { id: current?.id ?? '' } });
    expect(noted.lastUsedAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    await listed(here.client());
    expect(await session.findUniqueOrThrow({ where: { id: noted.id } })).toEqual(noted);
  });
});

describe('isolates', () => {
  it('the sessions of another person, also of one’s own organization, as if they did not exist', async () => {
    const [one, other] = [await signedInTwice(), await signedInTwice()];
    const [theirs] = await listed(other.here.client());
    await shop.looksUnknown(theirs?.id ?? '', (id) => one.here.client().ask(end, { id }));
    expect((await one.here.client().refused(end, { id: unknownId('ses') })).extensions.code).toBe('NOT_FOUND');
    expect(await isOver(other.there)).toBe(false);
    const shown = (await listed(one.here.client())).map(({ id }) => id);
    expect(shown).not.toContain(theirs?.id);
  });

  it('tells the bound role of no session of somebody who is not in the bound organization', async () => {
    const { userId } = await signedInTwice();
    const ask = (organizationId: string) =>
      shop.database.bound.$transaction([
        shop.database.bound.$queryRaw`SELECT set_config('app.organization_id', ${organizationId}, true)`,
        shop.database.bound.$queryRaw<unknown[]>`SELECT id FROM sallyport_sessions_of(${userId})`,
      ]);
    expect((await ask(shop.place.organizationId))[1]).toHaveLength(2);
    expect((await ask(shop.elsewhere.organizationId))[1]).toHaveLength(0);
  });
});

describe('records', () => {
  it('what was ended, by whom, and a sign-out', async () => {
    const { userId, here, there } = await signedInTwice();
    const other = (await listed(here.client())).find(({ isCurrent }) => !isCurrent);
    await here.client().data(end, { id: other?.id });
    expect(await shop.lastEntry('session.end')).toMatchObject({ actorId: userId, subjectId: other?.id });
    await here.client().data(endOthers);
    expect(await shop.lastEntry('otherSessions.end')).toMatchObject({ actorId: userId, details: { count: 0 } });
    await there.post('/sign-out');
    const { ended } = await openStream(here.client());
    const [current] = await listed(here.client());
    expect((await here.post('/sign-out')).status).toBe(200);
    expect(await shop.lastEntry('session.end')).toMatchObject({
      actorId: userId,
      subjectId: current?.id,
      details: { reason: 'signed out' },
    });
    await ended;
  });
});
