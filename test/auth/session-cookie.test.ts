import { describe, expect, it } from 'vitest';
import { sessionCookieOf } from '../../src/auth/credentials.js';
import { openSessionCookie, sealSessionCookie } from '../../src/auth/session-cookie.js';

describe('a session cookie', () => {
  it('opens with the secret that sealed it, also after a rotation', () => {
    const sealed = sealSessionCookie('token', 'first');
    expect(openSessionCookie(sealed, ['first'])).toBe('token');
    expect(openSessionCookie(sealed, ['second', 'first'])).toBe('token');
    expect(openSessionCookie(sealed, ['second'])).toBeNull();
    expect(openSessionCookie(sealed, [])).toBeNull();
  });

  it.each(['', '.', 'token', 'token.', '%', 'token.AAAA', `token.${'A'.repeat(44)}`, `.${'A'.repeat(44)}`])(
    'does not open when it reads %j',
    (cookie) => {
      expect(openSessionCookie(cookie, ['secret'])).toBeNull();
    },
  );

  it('does not open with another token before its signature', () => {
    const sealed = sealSessionCookie('token', 'secret');
    expect(openSessionCookie(sealed.replace('token', 'tokem'), ['secret'])).toBeNull();
  });

  it.each([
    [null, null],
    ['', null],
    ['other=1', null],
    ['sallyport.session_token=abc', 'abc'],
    ['a=1; sallyport.session_token=abc; b=2', 'abc'],
    ['__Host-sallyport.session_token=xyz', 'xyz'],
    ['sallyport.session_token=plain; __Host-sallyport.session_token=secure', 'secure'],
    ['xsallyport.session_token=abc', null],
    ['sallyport.session_token', null],
  ])('is found in %j', (header, value) => {
    expect(sessionCookieOf(header)).toBe(value);
  });

  it('without the prefix is none where the server is reached by https', () => {
    expect(sessionCookieOf('sallyport.session_token=planted', true)).toBeNull();
    expect(sessionCookieOf('sallyport.session_token=planted; __Host-sallyport.session_token=ours', true)).toBe('ours');
  });
});
