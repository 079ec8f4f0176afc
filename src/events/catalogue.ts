// What may happen, as one list: the type of an event and the data it carries. Data is ids and states, never content: an
// event wakes whoever listens, who then reads what it may read. Webhooks and subscriptions feed on these.

interface EffectData {
  readonly kind: string;
  readonly status: string;
  /** Who asked, so that a subscriber can tell its own. */
  readonly actorId: string;
}

type Nothing = Readonly<Record<string, never>>;

export interface EventCatalogue {
  'effect.awaiting_approval': EffectData;
  'effect.queued': EffectData;
  'effect.performing': EffectData;
  'effect.succeeded': EffectData;
  'effect.failed': EffectData;
  'effect.uncertain': EffectData;
  'effect.rejected': EffectData;
  'effect.expired': EffectData;
  'effect.cancelled': EffectData;

  'agent.created': Nothing;
  'agent.updated': Nothing;
  'contact.created': Nothing;
  'contact.updated': Nothing;
  'contact.erased': Nothing;
  'contact.merged': { readonly intoId: string };
  'inbox.created': Nothing;
  'inbox.updated': Nothing;
  'inbox.deleted': Nothing;
  'conversation.started': Nothing;
  'conversation.updated': Nothing;
  'message.drafted': { readonly conversationId: string };
  'message.created': { readonly conversationId: string };
  'message.sent': { readonly conversationId: string };
  'message.failed': { readonly conversationId: string };
  'message.received': { readonly conversationId: string };
}

export type EventType = keyof EventCatalogue;
export type EffectEventType = Extract<EventType, `effect.${string}`>;
