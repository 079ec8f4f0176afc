import type { PersonMail } from '../auth/mail-port.js';

export interface MailWords {
  readonly token: string;
  /** The name of the organization; null where none is spoken of. */
  readonly organization: string | null;
}

interface MailText {
  readonly subject: string;
  readonly body: string;
}

/** The same words for everybody; what a caller wrote enters only as the name of the organization, on one line. */
export function mailText(
  kind: Exclude<PersonMail['kind'], 'approvals'>,
  { token, organization }: MailWords,
  publicUrl: string,
): MailText {
  const link = (page: string): string => `${publicUrl}/console/${page}?token=${token}`;
  switch (kind) {
    case 'password-reset':
      return {
        subject: 'Set a new password',
        body: `Somebody asked for a new password for this address. To set one, open within an hour:\n\n${link('reset-password')}\n\nIf it was not you, nothing needs doing: the password stays as it is.\n`,
      };
    case 'email-verification':
      return {
        subject: 'Confirm your address',
        body: `To confirm that this address is yours, open within a day:\n\n${link('verify-email')}\n`,
      };
    case 'invitation':
      return {
        subject: `Join ${organization ?? 'us'} on Sallyport`,
        body: `You were invited to join ${organization ?? 'an organization'}. To accept, open within seven days:\n\n${link('accept-invitation')}\n\nIf you did not expect this, nothing needs doing.\n`,
      };
  }
}
