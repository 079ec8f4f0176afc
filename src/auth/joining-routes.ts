// How people come in: the first owner with the token that the server printed at its start, everybody else with a link that an
// administrator had mailed to them. Each is one transaction that ends in a session.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { badInput, CodedError, conflict } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { countFrom } from './attempts.js';
import { type AuthParts, type SignedIn, signedIn, withSession } from './auth-parts.js';
import { type AuthRoute, type Body, readBody, texts } from './auth-request.js';
import { createPlaces, judgeFirst, lockBootstrap } from './bootstrap.js';
import { join, recordStart } from './joining.js';
import { requireName } from './key-request.js';
import { lockOrganization } from './membership.js';
import { createPerson, hashPassword, requirePassword } from './password.js';
import { startSession } from './person-session.js';
import { takeToken } from './person-token.js';
import type { AuthRequestFacts } from './sign-in-trail.js';

export const joiningRoutes = (parts: AuthParts): readonly (readonly [string, AuthRoute])[] => [
  ['/sign-up/owner', { method: 'POST', answer: (request, facts) => signUpOwner(parts, request, facts) }],
  ['/accept-invitation', { method: 'POST', answer: (request, facts) => acceptInvitation(parts, request, facts) }],
];

/** The same on every process of one secret; good as long as there is no person at all. */
export const firstOwnerToken = (secret: Buffer): string =>
  createHmac('sha256', secret).update('first owner').digest('base64url');

const FIELDS = {
  org: 'organization',
  workspace: 'workspace',
  email: 'email',
  password: 'password',
  name: 'name',
  credits: 'credits',
};

async function signUpOwner(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const body = await readBody(request);
  const asked = texts(body, 'token', 'organization', 'workspace', 'name', 'email', 'password');
  countFrom(parts.throttle, 'token', facts.ip, parts.attemptsMax);
  if (!parts.signUpSecrets.some((secret) => isSame(asked.token, firstOwnerToken(secret)))) throw signUpClosed();
  const judged = judgeFirst({ ...asked, org: asked.organization }, (name) => FIELDS[name]);
  const passwordHash = await hashPassword(judged.password);
  const made = await asSystem(parts.database, 'sign the first owner up', async (db) => {
    await lockBootstrap(db);
    if ((await db.user.count()) > 0) throw signUpClosed();
    const { email, name } = judged;
    const userId = await createPerson(db, { email, name, passwordHash, emailVerified: false });
    const ids = { organizationId: newId('org'), workspaceId: newId('wsp'), userId };
    const actor = { kind: 'SESSION', id: userId } as const;
    await createPlaces(db, ids, judged, { audit: parts.audit, actor, requestId: facts.requestId, ip: facts.ip });
    await parts.enqueueMail(db, { kind: 'email-verification', userId, requestId: facts.requestId });
    const started = await startSession(db, userId, facts);
    await recordStart(parts, db, facts, userId, started.sessionId, 'sign-up');
    return { ids, started };
  });
  return withSession(parts, made.started, made.ids);
}

/** One sentence for a wrong token and for a right one that comes too late. */
const signUpClosed = (): CodedError =>
  new CodedError('FORBIDDEN', 'This sign-up link is not good, or was used. Ask an administrator for an invitation.');

const isSame = (given: string, expected: string): boolean => {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
};

async function acceptInvitation(parts: AuthParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const body = await readBody(request);
  const { token } = texts(body, 'token');
  countFrom(parts.throttle, 'token', facts.ip, parts.attemptsMax);
  const session = await signedIn(parts, request);
  const newcomer = session === null ? await newcomerOf(body) : null;
  const joined = await asSystem(parts.database, 'accept an invitation', async (db) => {
    const invitation = await invitationOf(db, token);
    const { organizationId, email, role } = invitation;
    const person = session === null ? await signUp(db, email, newcomer) : await known(db, email, session);
    if ((await db.member.count({ where: { organizationId, userId: person.userId } })) > 0) {
      throw conflict('You are a member of this organization already.');
    }
    const memberId = await join(parts, db, invitation, person, facts);
    const started = await startSession(db, person.userId, facts, session?.sessionId ?? null);
    if (session === null) await recordStart(parts, db, facts, person.userId, started.sessionId, 'invitation');
    return { started, body: { organizationId, memberId, userId: person.userId, role } };
  });
  return withSession(parts, joined.started, joined.body);
}

interface Newcomer {
  readonly name: string;
  readonly passwordHash: string;
}

/** Null when the body names neither: then only a person who is signed in can mean it. */
async function newcomerOf(body: Body): Promise<Newcomer | null> {
  if (body.name === undefined && body.password === undefined) return null;
  const { name, password } = texts(body, 'name', 'password');
  return {
    name: requireName(name, 'name'),
    passwordHash: await hashPassword(requirePassword(password, 'password')),
  };
}

async function invitationOf(db: SystemDb, token: string) {
  const [organizationId = '', id = ''] = (await takeToken(db, 'invitation', token))?.split(' ') ?? [];
  if (organizationId !== '') await lockOrganization(db, organizationId);
  const invitation = await db.invitation.findFirst({
    where: { organizationId, id, acceptedAt: null, revokedAt: null },
  });
  if (invitation !== null) return invitation;
  throw badInput('This invitation is no longer good. Ask for a new one.', 'token');
}

interface Person {
  readonly userId: string;
  readonly name: string;
}

async function signUp(db: SystemDb, email: string, newcomer: Newcomer | null): Promise<Person> {
  if (newcomer === null) {
    if ((await db.user.count({ where: { email } })) > 0) {
      throw conflict('Somebody has this address already. Sign in, then open the link again.');
    }
    throw badInput('A new person gives a name and a password.', 'name');
  }
  // The link came by mail, so the address is the person's.
  return { userId: await createPerson(db, { email, ...newcomer, emailVerified: true }), name: newcomer.name };
}

async function known(db: SystemDb, email: string, session: SignedIn): Promise<Person> {
  if (session.email !== email) {
    throw new CodedError('FORBIDDEN', 'This invitation is for another address. Sign in with that one.');
  }
  const { name } = await db.user.update({ where: { id: session.userId }, data: { emailVerified: true } });
  return { userId: session.userId, name };
}
