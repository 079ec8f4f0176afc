// What both trails can be searched by, named once.
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';

export const AuditOutcome = builder.enumType('AuditOutcome', {
  description: 'How an audited request ended.',
  values: {
    DONE: { value: 'DONE', description: 'It was done.' },
    REFUSED: { value: 'REFUSED', description: 'It was refused.' },
    HELD: { value: 'HELD', description: 'It waits for a decision.' },
  } as const,
});

/** @param example an action of this trail, of which a whole noun may be asked for as well */
export const auditFilters = ({ example, noun, actor }: { example: string; noun: string; actor: string }) =>
  ({
    action: {
      op: 'named',
      field: 'action',
      type: 'String',
      description: `Only this action, for example \`${example}\`, or every one of a noun: \`${noun}.*\`.`,
    },
    outcome: { op: 'in', field: 'outcome', type: [AuditOutcome], description: 'Only what ended so.' },
    actorId: { op: 'equals', field: 'actorId', type: 'ID', description: `Only what this ${actor} did.` },
    actorKind: {
      op: 'in',
      field: 'actorKind',
      type: [PrincipalKindType],
      description: 'Only what these kinds of credentials did.',
    },
    subjectId: { op: 'equals', field: 'subjectId', type: 'ID', description: 'Only what was done to this object.' },
    requestId: {
      op: 'equals',
      field: 'requestId',
      type: 'String',
      description: 'Only what this request caused: the `X-Request-Id` of its answer.',
    },
    since: {
      op: 'atLeast',
      field: 'createdAt',
      cast: 'timestamptz',
      type: 'DateTime',
      description: 'Only from this moment on.',
    },
    until: {
      op: 'before',
      field: 'createdAt',
      cast: 'timestamptz',
      type: 'DateTime',
      description: 'Only before this moment.',
    },
  }) as const;
