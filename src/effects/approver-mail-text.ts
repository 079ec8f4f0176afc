import type { ToldRequest } from './approver-mail.js';
import { effectLimits } from './limits.js';

/** One line: names are written by callers, and a line break would let them write the mail. */
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 100);

/** Kind, requester, price, until when, and where to decide: nothing of what would be sent. */
export function approverMailText(
  requests: readonly ToldRequest[],
  publicUrl: string,
): { readonly subject: string; readonly body: string } {
  const workspaces = [...new Set(requests.map(({ workspace }) => oneLine(workspace)))];
  const where = workspaces.length === 1 ? ` in ${workspaces[0]}` : ` in ${workspaces.length} workspaces`;
  const count = requests.length === 1 ? 'A request waits' : `${requests.length} requests wait`;
  const named = requests.slice(0, effectLimits.toldByNameMax).map((request) => item(request, publicUrl));
  const others = requests.length - named.length;
  const rest = others === 0 ? [] : [`And ${others} more: ${publicUrl}/console/approvals`];
  const closing =
    'Nothing is decided by opening a link. What is not decided in time expires, and its credits are released.';
  return {
    subject: `${count} for your decision${where}`,
    body: `${[...named, ...rest, closing].join('\n\n')}\n`,
  };
}

function item({ notice, ...request }: ToldRequest, publicUrl: string): string {
  const { kind, requester, workspace, workspaceId, effectId, credits, expiresAt } = request;
  const price = credits === 1 ? '1 credit' : `${credits} credits`;
  const until = `${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return [
    `${kind}, asked for by ${oneLine(requester)} in ${oneLine(workspace)}: ${price}`,
    notice === 'EXPIRING' ? `expires soon, at ${until}` : `expires at ${until}`,
    `${publicUrl}/console/approvals/${effectId}?workspace=${workspaceId}`,
  ].join('\n');
}
