// Everything the audit trail may say, as one list: the action and the details it may carry. A detail that is not listed is
// a type error and is refused at run time; `personal` ones are written as salted commitments, whatever the caller hands in.

type DetailKind = 'plain' | 'personal';
type Details = Readonly<Record<string, DetailKind>>;

const action = <const D extends Details>(details: D): D => details;
/** Names of the fields that were given or changed; never their values. */
const fields = action({ fields: 'plain' });
const nothing = action({});
/** What every request that passes the sallyport says about itself. */
const asked = action({ status: 'plain', rule: 'plain', seal: 'plain', price: 'plain' });
const approvalRule = action({
  version: 'plain',
  position: 'plain',
  requirement: 'plain',
  approvers: 'plain',
  conditions: 'plain',
});
const pause = action({ kind: 'plain', apiKeyId: 'plain', agentId: 'plain', reason: 'personal' });
const decided = action({ kind: 'plain', status: 'plain', seal: 'plain', comment: 'personal' });

export const auditActions = {
  'organization.create': fields,
  'workspace.create': fields,
  'workspace.update': action({
    fields: 'plain',
    plan: 'plain',
    explicitSpendScopes: 'plain',
    keysReadOnly: 'plain',
    keyLifeDaysMax: 'plain',
    keyRotationDaysMax: 'plain',
    requireFreshAuth: 'plain',
    separateDuties: 'plain',
    mode: 'plain',
  }),
  'workspace.suspend': nothing,
  'workspace.resume': nothing,
  'workspace.delete': action({ eraseAt: 'plain' }),
  'workspace.restore': nothing,
  'workspace.erase': nothing,
  'member.create': action({ role: 'plain', email: 'personal' }),
  'member.update': action({ role: 'plain' }),
  'member.remove': action({ role: 'plain' }),
  'ownership.transfer': nothing,
  'member.invite': action({ role: 'plain', email: 'personal' }),
  'invitation.revoke': nothing,
  'invitation.accept': action({ role: 'plain', email: 'personal' }),

  'session.create': action({ method: 'plain', userAgent: 'personal' }),
  'session.refused': action({ reason: 'plain', email: 'personal', userAgent: 'personal' }),
  'session.end': action({ reason: 'plain' }),
  'otherSessions.end': action({ count: 'plain' }),
  'password.change': action({ sessionsEnded: 'plain' }),
  'password.reset': action({ sessionsEnded: 'plain' }),
  'email.verify': nothing,
  'secondFactor.enable': nothing,
  'secondFactor.disable': nothing,
  'secondFactor.verify': action({ method: 'plain' }),
  'secondFactor.refused': action({ method: 'plain' }),
  'secondFactor.renewCodes': nothing,
  /** The system's own mail to its people. */
  'mail.send': action({ kind: 'plain', status: 'plain' }),

  'apiKey.create': action({ kind: 'plain', scopes: 'plain', start: 'plain', fields: 'plain' }),
  'apiKey.update': action({ scopes: 'plain', fields: 'plain' }),
  'apiKey.rotate': action({ start: 'plain', graceSeconds: 'plain' }),
  'apiKey.suspend': nothing,
  'apiKey.resume': nothing,
  'apiKey.revoke': nothing,
  'apiKey.delete': nothing,
  'apiKey.import': action({ count: 'plain' }),
  'creditAccount.topUp': action({ credits: 'plain' }),

  'agent.create': fields,
  'agent.update': fields,
  'agent.pause': nothing,
  'agent.resume': nothing,
  'contact.create': fields,
  'contact.update': fields,
  'contact.erase': asked,
  'contact.merge': action({
    ...asked,
    into: 'plain',
    fields: 'plain',
    conversations: 'plain',
    messages: 'plain',
    cancelled: 'plain',
  }),
  'inbox.create': fields,
  'inbox.update': fields,
  'inbox.delete': nothing,
  'conversation.create': fields,
  'conversation.update': fields,
  'draft.create': fields,
  'draft.update': fields,
  'draft.delete': nothing,

  'message.send': asked,
  'agent.trigger': asked,

  'approvalRule.create': approvalRule,
  'approvalRule.update': approvalRule,
  'approvalRule.delete': approvalRule,

  /** Asked again under the same idempotencyKey: answered with what the first request made, and nothing was made. */
  'request.repeat': action({ mutation: 'plain' }),

  /** What a plan held leaves its own entries beside this one. */
  'plan.perform': action({ operation: 'plain', digest: 'plain', effects: 'plain' }),

  /** An action that a rule made wait; the action itself leaves its own entry when it is carried out. */
  'action.hold': action({ kind: 'plain', status: 'plain', rule: 'plain', seal: 'plain' }),
  'effect.approve': decided,
  'effect.reject': decided,
  'effect.confirm': decided,
  'effect.cancel': decided,
  'effect.amend': decided,
  'effect.settle': decided,
  'effects.pause': pause,
  'effects.resume': pause,
  'spendCap.set': action({ agentId: 'plain', credits: 'plain', period: 'plain' }),
  'effect.expire': action({ kind: 'plain' }),
  'effect.perform': action({ kind: 'plain', status: 'plain', attempt: 'plain', connector: 'plain', code: 'plain' }),
  'effect.recover': action({ kind: 'plain', status: 'plain', attempt: 'plain', reason: 'plain' }),

  /** Somebody on the server's own machine took the trail out. */
  'audit.export': nothing,
  /** Somebody there dropped what is old: up to which place, and how many entries. */
  'audit.prune': action({ before: 'plain', upTo: 'plain', count: 'plain' }),
  'access.refused': action({
    code: 'plain',
    operation: 'plain',
    missingScopes: 'plain',
    fields: 'plain',
    reason: 'plain',
    /** Which limit of requests, and whose: the key's own, the agent's, the workspace's. */
    limit: 'plain',
    of: 'plain',
  }),
  'system.act': action({ reason: 'plain', count: 'plain' }),
} as const satisfies Readonly<Record<string, Details>>;

export type AuditAction = keyof typeof auditActions;

/** What concerns the organization, and not one workspace alone: stands in the organization's own trail, which outlives them. */
const ofOrganization: ReadonlySet<AuditAction> = new Set<AuditAction>([
  ...(['organization.create', 'workspace.create', 'workspace.suspend', 'workspace.resume'] as const),
  ...(['workspace.delete', 'workspace.restore', 'workspace.erase'] as const),
  ...(['member.create', 'member.update', 'member.remove', 'ownership.transfer'] as const),
  ...(['member.invite', 'invitation.revoke', 'invitation.accept'] as const),
  ...(['session.create', 'session.refused', 'session.end', 'otherSessions.end'] as const),
  ...(['password.change', 'password.reset', 'email.verify', 'mail.send'] as const),
  ...(['secondFactor.enable', 'secondFactor.disable', 'secondFactor.verify'] as const),
  ...(['secondFactor.refused', 'secondFactor.renewCodes', 'audit.export', 'audit.prune'] as const),
]);

export const concernsOrganization = (action: AuditAction): boolean => ofOrganization.has(action);

export type AuditValue = string | number | boolean | null | readonly string[];

/** The details an action may carry. */
export type AuditDetails<A extends AuditAction> = { readonly [Field in keyof (typeof auditActions)[A]]?: AuditValue };

export const isAuditAction = (text: string): text is AuditAction => Object.hasOwn(auditActions, text);

export const detailKinds = (name: AuditAction): Details => auditActions[name];
