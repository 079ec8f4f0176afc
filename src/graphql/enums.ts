// Enums that several nouns speak of. Each value says what it means to a caller.
import { builder } from './builder.js';

export const ChannelType = builder.enumType('Channel', {
  description: 'By which way people and agents talk.',
  values: {
    EMAIL: { value: 'EMAIL', description: 'E-mail.' },
    SMS: { value: 'SMS', description: 'Text messages to a phone.' },
    CHAT: { value: 'CHAT', description: 'Chat with the agent itself.' },
    VOICE: { value: 'VOICE', description: 'Phone calls.' },
  } as const,
});

export const PrincipalKindType = builder.enumType('PrincipalKind', {
  description: 'What kind of credential stands behind a request.',
  values: {
    SESSION: { value: 'SESSION', description: 'A person who signed in.' },
    ACCOUNT_KEY: { value: 'ACCOUNT_KEY', description: 'A key of the workspace.' },
    AGENT_KEY: { value: 'AGENT_KEY', description: 'A key of one agent.' },
    MISSION: { value: 'MISSION', description: 'An agent at work on its own.' },
    PROVIDER: { value: 'PROVIDER', description: 'A callback of an outside provider.' },
    SYSTEM: { value: 'SYSTEM', description: 'The server itself, or its operator on the command line.' },
  } as const,
});

export const EffectStatusType = builder.enumType('EffectStatus', {
  description: 'Where an effect stands between being asked for and having left.',
  values: {
    AWAITING_APPROVAL: { value: 'AWAITING_APPROVAL', description: 'Waits for a person to decide.' },
    QUEUED: { value: 'QUEUED', description: 'Allowed, waits for its turn.' },
    PERFORMING: { value: 'PERFORMING', description: 'Is being handed over right now.' },
    SUCCEEDED: {
      value: 'SUCCEEDED',
      description: 'Was handed over, or captured where no provider is connected; the result says which.',
    },
    FAILED: { value: 'FAILED', description: 'Did not leave; the failure says why, and nothing was charged.' },
    UNCERTAIN: {
      value: 'UNCERTAIN',
      description: 'May have left: the provider gave no answer. Its credits stay reserved.',
    },
    REJECTED: { value: 'REJECTED', description: 'A person said no.' },
    EXPIRED: { value: 'EXPIRED', description: 'Nobody decided in time.' },
    CANCELLED: { value: 'CANCELLED', description: 'Was taken back before it left.' },
  } as const,
});

export const SpendCapPeriodType = builder.enumType('SpendCapPeriod', {
  description: 'After what time a spend cap begins anew.',
  values: {
    LIFETIME: { value: 'LIFETIME', description: 'Never.' },
    DAY: { value: 'DAY', description: 'Each day, in UTC.' },
    MONTH: { value: 'MONTH', description: 'Each month, in UTC.' },
  } as const,
});
