// The audits of graphql-http, for any server: the test schema here, the product in its own test.
import { serverAudits } from 'graphql-http';
import { expect, it } from 'vitest';

/** How many audits the suite has: a newer version with fewer would otherwise pass unnoticed. */
export const AUDITS = 61;

/** Declares one test per audit; `url` is asked when the tests run. */
export function declareAudits(url: () => string): void {
  const audits = serverAudits({ url, fetchFn: fetch });
  it(`knows all ${AUDITS} audits`, () => expect(audits).toHaveLength(AUDITS));
  for (const { id, name, fn } of audits) {
    it(`${id} ${name}`, async () => {
      const result = await fn();
      expect(result.status === 'ok' ? 'ok' : `${result.status}: ${result.reason}`).toBe('ok');
    });
  }
}
