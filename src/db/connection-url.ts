// What DATABASE_URL says, and how to speak of it without its password.
import { ConfigurationError } from '../platform/errors.js';

/** @throws ConfigurationError when the text is no PostgreSQL URL; the text itself is not repeated. */
export function parseDatabaseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ConfigurationError('DATABASE_URL is not a URL. Write postgresql://user:password@host:5432/database.');
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    throw new ConfigurationError(
      'DATABASE_URL must begin with postgresql://, as in postgresql://user:password@host:5432/database.',
    );
  }
  return url;
}

/** `host:port/database`, for messages. */
export function placeOf(url: URL): string {
  const host = url.hostname === '' ? (url.searchParams.get('host') ?? 'localhost') : decodeURIComponent(url.hostname);
  return `${host}:${url.port === '' ? '5432' : url.port}${url.pathname}`;
}

/** The same server, entered under `role`: a session opened so stays bound, also after RESET ROLE. */
export function enterAs(url: URL, role: string): string {
  const entered = new URL(url);
  const options = [url.searchParams.get('options'), `-c role=${role}`].filter((option) => option !== null);
  entered.searchParams.set('options', options.join(' '));
  // node-postgres reads %20, not the + that a form would have.
  entered.search = entered.searchParams.toString().replaceAll('+', '%20');
  return entered.toString();
}
