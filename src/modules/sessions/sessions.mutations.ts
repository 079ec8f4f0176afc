import { builder } from '../../graphql/builder.js';

const belongsToNone = 'sessions belong to a person, not to a workspace';

builder.mutationFields((t) => ({
  endSession: t.action({
    description: 'Sign one of your browsers out, from its next request on.',
    role: 'MEMBER',
    action: 'session.end',
    asSystem: belongsToNone,
    whileSuspended: true,
    input: (i) => ({ id: i.id({ required: true, description: 'The session.' }) }),
    payload: (p) => ({ endedId: p.id({ description: 'The id of the session that is over.' }) }),
    resolve: async ({ id }, { sessions }) => ({ endedId: await sessions.end(id) }),
  }),

  endOtherSessions: t.action({
    description: 'Sign all your other browsers out, from their next request on.',
    role: 'MEMBER',
    action: 'otherSessions.end',
    asSystem: belongsToNone,
    whileSuspended: true,
    payload: (p) => ({ endedCount: p.int({ description: 'How many sessions are over.' }) }),
    resolve: async (_input, { sessions }) => ({ endedCount: await sessions.endOthers() }),
  }),
}));
