// The system's mail to its own people: resets, verifications, invitations, and what waits for their decision. It leaves without
// approval, so it is narrow: the words are ours, the recipient is a person or somebody an administrator invited, and each
// address gets one a minute. The token of its link is made here, when it leaves; the row of the queue never held one.
import type { RecordAuthAudit } from '../auth/audit-port.js';
import { type AuthTrail, SYSTEM_ACTOR } from '../auth/audit-port.js';
import { type EnqueueMail, type PersonMail, personMail } from '../auth/mail-port.js';
import { endTokens, makeToken, type TokenPurpose, wasJustMade } from '../auth/person-token.js';
import { trailsOf } from '../auth/sign-in-trail.js';
import { ConnectorError, type Mailbox, type MessageConnector, type MessageToSend } from '../connectors/connector.js';
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { defineJob, implementJob, type Job } from '../jobs/define-job.js';
import type { Clock } from '../platform/clock.js';
import { newId } from '../platform/ids.js';
import { giveBackApproverMail, takeApproverMail } from './approver-mail.js';
import { approverMailText } from './approver-mail-text.js';
import { mailText } from './people-mail-text.js';

export const peopleMailJob = defineJob('people.mail', personMail, { atOnce: 2, retryLimit: 5 });

/** For code that runs as the system; a service of a module enqueues through its world. */
export const enqueuePeopleMail: EnqueueMail = async (db, mail) => {
  const body = JSON.stringify(personMail.parse(mail));
  await db.$queryRaw(Prisma.sql`SELECT sallyport_enqueue(${peopleMailJob.name}, ${body}::jsonb)::text`);
};

export interface PeopleMailDeps {
  readonly database: Pick<Database, 'owner'>;
  readonly audit: RecordAuthAudit;
  readonly clock: Clock;
  readonly mail: MessageConnector;
  readonly from: Mailbox;
  /** Links begin with it. */
  readonly publicUrl: () => string;
}

/** SMTP_FROM, with or without a name before it; else an address at the host under which people reach this server. */
export function senderOf(from: string | null, publicUrl: string | null): Mailbox {
  const [, name = '', named = ''] = /^([^<]*)<([^>]+)>$/.exec(from ?? '') ?? [];
  if (named !== '') return { address: named, name: name.trim() === '' ? null : name.trim() };
  const { hostname } = new URL(publicUrl ?? 'http://localhost');
  const isName = /^[a-z0-9.-]*[a-z][a-z0-9.-]*$/i.test(hostname);
  return { address: from ?? `no-reply@${isName ? hostname : 'localhost'}`, name: 'Sallyport' };
}

interface Letter {
  readonly to: Mailbox;
  readonly subjectId: string;
  readonly trails: readonly AuthTrail[];
  readonly subject: string;
  readonly body: string;
  /** Names the mail to its receiver. */
  readonly name: string;
  /** Rather lost than sent twice: taken back only when it provably did not leave. */
  readonly isSentOnce: boolean;
  /** So that a repeat does not take it for a mail that has just left. */
  takeBack(db: SystemDb): Promise<unknown>;
}

/** May run twice: a repeat sends a new link, and the one before it ends; what tells of requests that wait is sent once. */
export const peopleMailWork = (deps: PeopleMailDeps): Job =>
  implementJob(peopleMailJob, async (mail, { signal }) => {
    const letter = await asSystem(deps.database, 'write a mail to one of our people', (db) => write(deps, db, mail));
    if (letter === null) return;
    const status = await send(deps, letter, signal);
    await asSystem(deps.database, 'record a mail to one of our people', async (db) => {
      for (const trail of letter.trails) {
        await deps.audit(db, {
          ...trail,
          action: 'mail.send',
          outcome: status === 'refused' ? 'REFUSED' : 'DONE',
          actor: SYSTEM_ACTOR,
          allowedBy: null,
          subjectId: letter.subjectId,
          requestId: mail.requestId,
          ip: null,
          details: { kind: mail.kind, status },
        });
      }
    });
  });

/** @throws when it provably did not leave, so that the queue repeats it */
async function send(deps: PeopleMailDeps, letter: Letter, signal: AbortSignal): Promise<string> {
  const { to, subject, body, name } = letter;
  const message: MessageToSend = { channel: 'EMAIL', from: deps.from, to, subject, body };
  try {
    const { captured } = await deps.mail.send(message, { idempotencyKey: name, signal });
    return captured ? 'captured' : 'sent';
  } catch (error) {
    if (error instanceof ConnectorError && error.outcome !== 'not-sent') return error.outcome;
    if (error instanceof ConnectorError || !letter.isSentOnce) {
      await asSystem(deps.database, 'take back a mail that did not leave', (db) => letter.takeBack(db));
    }
    throw error;
  }
}

function write(deps: PeopleMailDeps, db: SystemDb, mail: PersonMail): Promise<Letter | null> {
  if (mail.kind === 'approvals') return writeToApprover(deps, db, mail);
  return mail.kind === 'invitation' ? writeInvitation(deps, db, mail) : writeToPerson(deps, db, mail);
}

type MailOf<Kind extends PersonMail['kind']> = Extract<PersonMail, { kind: Kind }>;

async function writeToApprover(
  { clock, publicUrl }: PeopleMailDeps,
  db: SystemDb,
  { userId, mailId }: MailOf<'approvals'>,
): Promise<Letter | null> {
  const person = await db.user.findFirst({ where: { id: userId }, select: { name: true, email: true } });
  const requests = person === null ? [] : await takeApproverMail(db, { mailId, userId, now: clock.now() });
  if (person === null || requests.length === 0) return null;
  return {
    to: { address: person.email, name: person.name },
    subjectId: userId,
    trails: [...new Set(requests.map(({ workspaceId }) => workspaceId))].map((workspaceId) => ({ workspaceId })),
    ...approverMailText(requests, publicUrl()),
    name: mailId,
    isSentOnce: true,
    takeBack: (later) => giveBackApproverMail(later, mailId),
  };
}

/** A new name each time: the link of a repeat differs, so no receiver may take it for the first. */
async function withLink(
  { publicUrl }: PeopleMailDeps,
  db: SystemDb,
  purpose: TokenPurpose,
  tokenSubject: string,
  organization: string | null,
): Promise<Pick<Letter, 'subject' | 'body' | 'name' | 'isSentOnce' | 'takeBack'>> {
  const token = await makeToken(db, purpose, tokenSubject);
  return {
    ...mailText(purpose, { token, organization }, publicUrl()),
    name: newId('ver'),
    isSentOnce: false,
    takeBack: (later) => endTokens(later, purpose, tokenSubject),
  };
}

async function writeToPerson(
  deps: PeopleMailDeps,
  db: SystemDb,
  mail: MailOf<'password-reset' | 'email-verification'>,
): Promise<Letter | null> {
  const where = mail.kind === 'password-reset' ? { email: mail.email } : { id: mail.userId };
  const person = await db.user.findFirst({ where, select: { id: true, name: true, email: true } });
  if (person === null) return null;
  const purpose: TokenPurpose = mail.kind;
  const subject = `${person.id} ${person.email}`;
  if (await wasJustMade(db, purpose, subject)) return null;
  return {
    to: { address: person.email, name: person.name },
    subjectId: person.id,
    trails: await trailsOf(db, person.id),
    ...(await withLink(deps, db, purpose, subject, null)),
  };
}

async function writeInvitation(deps: PeopleMailDeps, db: SystemDb, mail: MailOf<'invitation'>): Promise<Letter | null> {
  const { organizationId, invitationId, workspaceId } = mail;
  const invitation = await db.invitation.findFirst({
    where: { organizationId, id: invitationId, acceptedAt: null, revokedAt: null, expiresAt: { gt: new Date() } },
    include: { organization: { select: { name: true } } },
  });
  if (invitation === null) return null;
  const subject = `${organizationId} ${invitation.id}`;
  return {
    to: { address: invitation.email, name: null },
    subjectId: invitation.id,
    trails: [{ organizationId }, { workspaceId }],
    ...(await withLink(deps, db, 'invitation', subject, invitation.organization.name)),
  };
}
