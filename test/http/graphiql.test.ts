import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.door.drain(1_000));

const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('GraphiQL', () => {
  it('is shown to a browser, whole, and loads nothing from anywhere', async () => {
    const response = await server.get('/graphql', asBrowser);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await response.text();
    expect(html).toContain('YogaGraphiQL.renderYogaGraphiQL');
    // Scripts are full of texts that look like tags; what counts is the page around them.
    const page = html.replace(/<script>[\s\S]*?<\/script>/g, '').replace(/<style>[\s\S]*?<\/style>/g, '');
    expect(page.replace(/"data:[^"]*"/g, '""').length).toBeLessThan(2_000);
    expect(page).not.toMatch(/\b(src|href|action)\s*=\s*["']?(https?:)?\/\//i);
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    expect(style).not.toMatch(/@import|url\(\s*["']?(https?:)?\/\//i);
  });

  it('has a policy that lets its own scripts run, talk to us, and nothing else', async () => {
    const response = await server.get('/graphql', asBrowser);
    const policy = response.headers.get('content-security-policy') ?? '';
    const scripts = [...(await response.text()).matchAll(/<script>([\s\S]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, script = ''] of scripts) {
      expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src [^;]*unsafe-inline/);
  });

  it('is sent once: compressed, and then by its tag', async () => {
    const first = await server.get('/graphql', { ...asBrowser, 'accept-encoding': 'gzip' });
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(first.headers.get('vary')).toContain('Accept');
    await first.arrayBuffer();
    const again = await server.get('/graphql', { ...asBrowser, 'if-none-match': first.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
  });

  it('is not shown to a client of the API', async () => {
    expect((await server.get('/graphql?query={hello}')).headers.get('content-type')).toContain('application/json');
    expect((await server.post({ query: '{ hello }' }, { accept: 'text/html, application/json' })).status).toBe(200);
  });
});
