import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClientFor } from '../support/client.js';
import { startFakeModel } from '../support/fake-model.js';
import { startFakeSmtp } from '../support/fake-smtp.js';
import { buildOnce, openPlace, type Place } from './sallyport.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Report {
  readonly ok: boolean;
  readonly steps: readonly { readonly title: string; readonly ok: boolean; readonly problem?: string }[];
  readonly url: string;
  readonly workspaceId: string;
  readonly keys: { readonly account: string; readonly agent: string };
  readonly owner: { readonly email: string; readonly password: string };
}

describe('the demo', () => {
  let place: Place;
  beforeAll(async () => {
    await buildOnce();
    place = openPlace();
  });
  afterAll(() => place?.remove());
  const run = async (env: Readonly<Record<string, string>>): Promise<{ code: number | null; report: Report }> => {
    const { code, stdout } = await place.run(['demo', '--once', '--json'], env);
    return { code, report: JSON.parse(stdout) as Report };
  };

  it('plays the main job from an empty folder, captures what would leave, says where, and ends with 0', async () => {
    const { code, stdout, stderr } = await place.run(['demo', '--once']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/as it should be$/gm)).toHaveLength(6);
    expect(stdout).toContain('Required scope: contacts:write');
    expect(stdout).toContain('AWAITING_APPROVAL, then QUEUED');
    const file = /SMTP_URL is not set: captured in (\S+\.eml)/.exec(stdout)?.[1] ?? '';
    expect(file).toMatch(/^data\/outbox\//);
    expect(readFileSync(join(place.dataDir, '..', file), 'utf8')).toContain('Your parcel number is HC-4211-7.');
    expect(stdout).toContain('MODEL_URL is not set: captured in');
    expect(stdout).not.toMatch(/sp_(acct|agt)_\w{38}/);
  });

  it('hands over by SMTP and reads the answer of a model back, and fails when a step is not as it should be', async () => {
    const [smtp, model] = [await startFakeSmtp(), await startFakeModel()];
    const env = { SMTP_URL: smtp.url, MODEL_URL: model.url, MODEL_NAME: 'test-model' };
    const { code, report } = await run(env);
    expect(report.steps.filter(({ ok }) => !ok)).toEqual([]);
    expect({ code, ok: report.ok, steps: report.steps.length }).toEqual({ code: 0, ok: true, steps: 6 });
    expect(smtp.received).toHaveLength(1);
    expect(smtp.received[0]).toMatchObject({ to: ['amelia.okafor@example.com'] });
    expect(model.asked).toHaveLength(1);

    smtp.behave({ at: 'RCPT', code: 550 });
    const refused = await run(env);
    expect(refused.code).toBe(1);
    expect(refused.report).toMatchObject({ ok: false });
    expect(refused.report.steps.at(-1)?.problem).toContain('refused the message');
    await Promise.all([smtp.close(), model.close()]);
  });

  it('stays up, leaves another database alone, and revokes the keys of earlier starts', async () => {
    const served = await place.serve(['demo'], {
      DATABASE_URL: 'postgresql://127.0.0.1:1/none',
      SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    });
    const { keys, workspaceId } = served.said as Report;
    const as = createClientFor(served.url);
    for (const key of [keys.account, keys.agent]) {
      expect(await as({ key }).data('{ me { workspace { id } } }')).toEqual({ me: { workspace: { id: workspaceId } } });
    }
    const listed = await place.json<{ keys: { start: string }[] }>(['keys', 'list', '--workspace', workspaceId]);
    const starts = listed.keys.map(({ start }) => start).sort();
    expect(starts).toEqual([keys.account, keys.agent].map((key) => key.slice(0, start(key))).sort());
    // npm and the terminal each pass one Ctrl-C on.
    const { code, stderr } = await served.stop('SIGINT', 'SIGINT');
    expect(code).toBe(0);
    expect(stderr).toContain('DATABASE_URL is set: the demo leaves that database alone');
  });
});

/** Prefix and four characters. */
const start = (key: string): number => key.lastIndexOf('_') + 5;
