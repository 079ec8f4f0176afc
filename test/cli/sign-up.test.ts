import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openBrowser } from '../support/browser.js';
import { buildOnce, openPlace, type Place } from './sallyport.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
beforeAll(async () => {
  await buildOnce();
  place = openPlace();
});
afterAll(() => place?.remove());

it('serve prints where the first owner signs up, until somebody has', async () => {
  const served = await place.serve();
  const { signUp } = served.said as { signUp?: string };
  expect(signUp).toMatch(new RegExp(`^${served.url}/console/sign-up\\?token=[\\w-]{43}$`));
  const browser = openBrowser(served.url);
  const token = new URL(signUp ?? '').searchParams.get('token');
  const person = { name: 'Olive', email: 'olive@example.com', password: 'long enough' };
  const answer = await browser.post('/sign-up/owner', { token, organization: 'Halberd', workspace: 'Shop', ...person });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(await browser.client().data('{ me { role } }')).toEqual({ me: { role: 'OWNER' } });
  await served.stop();
  const again = await place.serve();
  expect(again.said).not.toHaveProperty('signUp');
  await again.stop();
});
