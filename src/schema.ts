// The table of contents: each module writes its part of the schema when it is imported.
import './modules/workspaces/workspaces.schema.js';
import './modules/workspaces/workspaces.mutations.js';
import './modules/me/me.schema.js';
import './modules/me/rate-limit.schema.js';
import './modules/agents/agents.schema.js';
import './modules/agents/agents.mutations.js';
import './modules/api-keys/api-keys.schema.js';
import './modules/api-keys/api-key-use.schema.js';
import './modules/api-keys/api-key-insights.schema.js';
import './modules/api-keys/api-keys.mutations.js';
import './modules/contacts/contacts.schema.js';
import './modules/contacts/contacts.mutations.js';
import './modules/inboxes/inboxes.schema.js';
import './modules/inboxes/inboxes.mutations.js';
import './modules/conversations/conversations.schema.js';
import './modules/messages/messages.schema.js';
import './modules/messages/messages.mutations.js';
import './modules/approvals/approvals.schema.js';
import './modules/approvals/approvals.mutations.js';
import './modules/approvals/effects.schema.js';
import './modules/approvals/effects.mutations.js';
import './modules/approvals/approval-rules.schema.js';
import './modules/approvals/approval-rules.mutations.js';
import './modules/approvals/simulate-approval.schema.js';
import './modules/billing/billing.schema.js';
import './modules/billing/billing.mutations.js';
import './modules/audit-log/audit-log.schema.js';
import './modules/audit-log/organization-audit.schema.js';
import './modules/members/members.schema.js';
import './modules/members/members.mutations.js';
import './modules/sessions/sessions.schema.js';
import './modules/sessions/sessions.mutations.js';
import type { EffectDefinition } from './effects/define-effect.js';
import { builder } from './graphql/builder.js';
import { defineExplainAccess } from './graphql/explain/define-explain-access.js';
import { defineNodeFields } from './graphql/node-fields.js';
import { definePlans } from './graphql/plan/define-plan.js';
import { triggerAgent } from './modules/agents/agents.effects.js';
import { eraseContact, mergeContacts } from './modules/contacts/contacts.effects.js';
import { sendMessage } from './modules/messages/messages.effects.js';

defineNodeFields(builder);
defineExplainAccess(builder);
definePlans(builder);

/** How each noun leaves the building. */
export const effectDefinitions = [
  sendMessage,
  triggerAgent,
  eraseContact,
  mergeContacts,
] as readonly unknown[] as readonly EffectDefinition[];

/** @throws naming every field that does not say what it takes */
export const schema = builder.toSchema();
