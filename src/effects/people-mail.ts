// The system's mail to its own people: resets, verifications, invitations. It leaves without approval, so it is narrow: the
// words are ours, the recipient is a person or somebody an administrator invited, and each address gets one a minute. The
// token of its link is made here, when it leaves; the row of the queue never held one.
import type { RecordAuthAudit } from '../auth/audit-port.js';
import { SYSTEM_ACTOR } from '../auth/audit-port.js';
import { type EnqueueMail, type PersonMail, personMail } from '../auth/mail-port.js';
import { endTokens, makeToken, type TokenPurpose, wasJustMade } from '../auth/person-token.js';
import { workspacesOf } from '../auth/sign-in-trail.js';
import { ConnectorError, type Mailbox, type MessageConnector, type MessageToSend } from '../connectors/connector.js';
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { defineJob, implementJob, type Job } from '../jobs/define-job.js';
import { newId } from '../platform/ids.js';
import { type MailWords, mailText } from './people-mail-text.js';

export const peopleMailJob = defineJob('people.mail', personMail, { atOnce: 2, retryLimit: 5 });

/** For code that runs as the system; a service of a module enqueues through its world. */
export const enqueuePeopleMail: EnqueueMail = async (db, mail) => {
  const body = JSON.stringify(personMail.parse(mail));
  await db.$queryRaw(Prisma.sql`SELECT sallyport_enqueue(${peopleMailJob.name}, ${body}::jsonb)::text`);
};

export interface PeopleMailDeps {
  readonly database: Pick<Database, 'owner'>;
  readonly audit: RecordAuthAudit;
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

interface Letter extends MailWords {
  readonly to: Mailbox;
  readonly subjectId: string;
  /** What the token is good for. */
  readonly subject: string;
  readonly workspaceIds: readonly string[];
}

/** May run twice: a repeat sends a new link, and the one before it ends. */
export const peopleMailWork = (deps: PeopleMailDeps): Job =>
  implementJob(peopleMailJob, async (mail, { signal }) => {
    const letter = await asSystem(deps.database, 'write a mail to one of our people', (db) => write(db, mail));
    if (letter === null) return;
    const status = await send(deps, mail, letter, signal);
    await asSystem(deps.database, 'record a mail to one of our people', async (db) => {
      for (const workspaceId of letter.workspaceIds) {
        await deps.audit(db, {
          workspaceId,
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
async function send(deps: PeopleMailDeps, mail: PersonMail, letter: Letter, signal: AbortSignal): Promise<string> {
  const words = mailText(mail.kind, letter, deps.publicUrl());
  const message: MessageToSend = { channel: 'EMAIL', from: deps.from, to: letter.to, ...words };
  try {
    // A new name each time: the link of a repeat differs, so no receiver may take it for the first.
    const { captured } = await deps.mail.send(message, { idempotencyKey: newId('ver'), signal });
    return captured ? 'captured' : 'sent';
  } catch (error) {
    if (error instanceof ConnectorError && error.outcome !== 'not-sent') return error.outcome;
    // Nobody has this token, and the repeat must not take it for a mail that has just left.
    await asSystem(deps.database, 'end a token that did not leave', (db) => endTokens(db, mail.kind, letter.subject));
    throw error;
  }
}

const write = (db: SystemDb, mail: PersonMail): Promise<Letter | null> =>
  mail.kind === 'invitation' ? writeInvitation(db, mail) : writeToPerson(db, mail);

async function writeToPerson(db: SystemDb, mail: Exclude<PersonMail, { kind: 'invitation' }>): Promise<Letter | null> {
  const where = mail.kind === 'password-reset' ? { email: mail.email } : { id: mail.userId };
  const person = await db.user.findFirst({ where, select: { id: true, name: true, email: true } });
  if (person === null) return null;
  const purpose: TokenPurpose = mail.kind;
  const subject = `${person.id} ${person.email}`;
  if (await wasJustMade(db, purpose, subject)) return null;
  return {
    to: { address: person.email, name: person.name },
    subjectId: person.id,
    subject,
    workspaceIds: await workspacesOf(db, person.id),
    token: await makeToken(db, purpose, subject),
    organization: null,
  };
}

async function writeInvitation(
  db: SystemDb,
  mail: Extract<PersonMail, { kind: 'invitation' }>,
): Promise<Letter | null> {
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
    subject,
    workspaceIds: [workspaceId],
    token: await makeToken(db, 'invitation', subject),
    organization: invitation.organization.name,
  };
}
