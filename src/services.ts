// One line per noun: how its service is made of a world.
import type { Services } from './context.js';
import type { World } from './effects/world.js';
import { agentsService } from './modules/agents/agents.service.js';
import { apiKeysService } from './modules/api-keys/api-keys.service.js';
import { approvalRulesService } from './modules/approvals/approval-rules.service.js';
import { billingService } from './modules/billing/billing.service.js';
import { contactsService } from './modules/contacts/contacts.service.js';
import { conversationsService } from './modules/conversations/conversations.service.js';
import { inboxesService } from './modules/inboxes/inboxes.service.js';
import { invitationsService } from './modules/members/invitations.service.js';
import { membersService } from './modules/members/members.service.js';
import { messagesService } from './modules/messages/messages.service.js';
import { sessionsService } from './modules/sessions/sessions.service.js';
import { workspacesService } from './modules/workspaces/workspaces.service.js';

const factories: { readonly [Noun in keyof Services]: (world: World) => Services[Noun] } = {
  agents: agentsService,
  apiKeys: apiKeysService,
  approvalRules: approvalRulesService,
  billing: billingService,
  contacts: contactsService,
  conversations: conversationsService,
  inboxes: inboxesService,
  invitations: invitationsService,
  members: membersService,
  messages: messagesService,
  sessions: sessionsService,
  workspaces: workspacesService,
};

class MadeOfWorld {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  static {
    for (const [noun, create] of Object.entries(factories)) {
      Object.defineProperty(MadeOfWorld.prototype, noun, {
        get(this: MadeOfWorld) {
          const service = create(this.#world);
          Object.defineProperty(this, noun, { value: service });
          return service;
        },
      });
    }
  }
}

/** Each service is made when it is first asked for. */
export const servicesOf = (world: World): Services => new MadeOfWorld(world) as unknown as Services;
