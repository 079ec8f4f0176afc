// A new password, by the one who knows the old, or by whoever reads the address; and the proof of that alone. Each is one
// transaction: the password, the end of all sessions that were there before, the entry in the trail. Asking for a reset is
// one row in the queue, whether anybody has the address or not.
import { verifyPassword } from 'better-auth/crypto';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { badInput, CodedError, conflict } from '../platform/errors.js';
import { attempt, countFrom } from './attempts.js';
import type { AuthAuditEntry } from './audit-port.js';
import { type AuthParts, requireSignedIn, withSession } from './auth-parts.js';
import { type AuthRoute, readBody, texts } from './auth-request.js';
import { hashPassword, requireEmail, requirePassword, setPassword } from './password.js';
import { endSessions, startSession } from './person-session.js';
import { endTokens, takeToken } from './person-token.js';
import { type AuthRequestFacts, recordOfPerson } from './sign-in-trail.js';

export const passwordRoutes = (parts: AuthParts): readonly (readonly [string, AuthRoute])[] => [
  ['/change-password', { method: 'POST', answer: (request, facts) => changePassword(parts, request, facts) }],
  ['/request-password-reset', { method: 'POST', answer: (request, facts) => askForReset(parts, request, facts) }],
  ['/reset-password', { method: 'POST', answer: (request, facts) => resetPassword(parts, request, facts) }],
  [
    '/send-verification-email',
    { method: 'POST', answer: (request, facts) => askForVerification(parts, request, facts) },
  ],
  ['/verify-email', { method: 'POST', answer: (request, facts) => verifyEmail(parts, request, facts) }],
];

const OK = { status: true };

/** All other sessions end, and this one goes on under a new token. */
async function changePassword(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const { currentPassword, newPassword } = texts(await readBody(request), 'currentPassword', 'newPassword');
  const session = await requireSignedIn(parts, request);
  requirePassword(newPassword, 'newPassword');
  const tried = attempt(parts.throttle, 'password', session.userId, facts.ip);
  const account = await parts.database.owner.account.findFirst({
    where: { userId: session.userId, providerId: 'credential' },
    select: { password: true },
  });
  const known = account?.password ?? null;
  if (known === null || !(await verifyPassword({ hash: known, password: currentPassword }))) {
    throw new CodedError('FORBIDDEN', 'This is not your current password. Without one, ask for a reset.', {
      reason: 'WRONG_PASSWORD',
    });
  }
  tried.succeeded();
  const hash = await hashPassword(newPassword);
  const started = await asSystem(parts.database, 'change a password', async (db) => {
    // Of two changes at once the second knew a password that is none any more.
    const { count } = await db.account.updateMany({
      where: { userId: session.userId, providerId: 'credential', password: known },
      data: { password: hash },
    });
    if (count === 0) throw conflict('The password was just changed elsewhere. Sign in with the new one.');
    const sessionsEnded = await endSessions(db, { userId: session.userId, id: { not: session.sessionId } });
    await endResets(db, session.userId, session.email);
    const fresh = await startSession(db, session.userId, facts, session.sessionId);
    await record(parts, db, facts, 'password.change', session.userId, { sessionsEnded });
    return fresh;
  });
  return withSession(parts, started, OK);
}

async function askForReset(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const email = requireEmail(texts(await readBody(request), 'email').email, 'email');
  countFrom(parts.throttle, 'reset', facts.ip, parts.attemptsMax);
  await asSystem(parts.database, 'enqueue a reset', (db) =>
    parts.enqueueMail(db, { kind: 'password-reset', email, requestId: facts.requestId }),
  );
  return Response.json({ status: true, message: 'If somebody here has this address, a link is on its way to it.' });
}

/** Signs nobody in: a second factor, where there is one, is still asked for. */
async function resetPassword(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const { token, newPassword } = texts(await readBody(request), 'token', 'newPassword');
  countFrom(parts.throttle, 'token', facts.ip, parts.attemptsMax);
  const hash = await hashPassword(requirePassword(newPassword, 'newPassword'));
  await asSystem(parts.database, 'reset a password', async (db) => {
    const userId = await personOf(db, await takeToken(db, 'password-reset', token));
    await setPassword(db, userId, hash);
    // Whoever follows the link reads the address.
    await db.user.update({ where: { id: userId }, data: { emailVerified: true } });
    const sessionsEnded = await endSessions(db, { userId });
    await record(parts, db, facts, 'password.reset', userId, { sessionsEnded });
  });
  return Response.json(OK);
}

async function askForVerification(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  await readBody(request);
  const { userId } = await requireSignedIn(parts, request);
  countFrom(parts.throttle, 'verification', facts.ip, parts.attemptsMax);
  await asSystem(parts.database, 'enqueue a verification', (db) =>
    parts.enqueueMail(db, { kind: 'email-verification', userId, requestId: facts.requestId }),
  );
  return Response.json(OK);
}

async function verifyEmail(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const { token } = texts(await readBody(request), 'token');
  countFrom(parts.throttle, 'token', facts.ip, parts.attemptsMax);
  await asSystem(parts.database, 'verify an address', async (db) => {
    const userId = await personOf(db, await takeToken(db, 'email-verification', token));
    await db.user.update({ where: { id: userId }, data: { emailVerified: true } });
    await record(parts, db, facts, 'email.verify', userId, {});
  });
  return Response.json(OK);
}

/** The person a token was made for, who still has the address it was sent to. */
async function personOf(db: SystemDb, subject: string | null): Promise<string> {
  const [id = '', email = ''] = subject?.split(' ') ?? [];
  const found = await db.user.findFirst({ where: { id, email }, select: { id: true } });
  if (found !== null) return found.id;
  throw badInput('This link is no longer good. Ask for a new one.', 'token');
}

/** A link that waits in a mailbox must not undo the change. */
const endResets = (db: SystemDb, userId: string, email: string): Promise<void> =>
  endTokens(db, 'password-reset', `${userId} ${email}`);

const record = (
  { audit }: AuthParts,
  db: SystemDb,
  { requestId, ip }: AuthRequestFacts,
  action: AuthAuditEntry['action'],
  userId: string,
  details: AuthAuditEntry['details'],
): Promise<void> =>
  recordOfPerson(audit, db, userId, {
    action,
    outcome: 'DONE',
    actor: { kind: 'SESSION', id: userId },
    allowedBy: null,
    subjectId: userId,
    details,
    requestId,
    ip,
  });
