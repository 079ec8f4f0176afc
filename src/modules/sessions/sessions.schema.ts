import { builder } from '../../graphql/builder.js';
import type { SessionsService, SessionView } from './sessions.service.js';

declare module '../../context.js' {
  interface Services {
    readonly sessions: SessionsService;
  }
}

const Session = builder.objectRef<SessionView>('Session').implement({
  description: 'A browser in which you are signed in.',
  role: 'MEMBER',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the session; starts with `ses_`.' }),
    isCurrent: t.boolean({
      nullable: false,
      description: 'Whether it is the one that asks.',
      resolve: ({ id }, _args, { world }) => id === world.principal.sessionId,
    }),
    ip: t.exposeString('ip', { nullable: true, description: 'The address it was begun from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The program it was begun by.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When it was last used, at most a minute behind.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: false, description: 'When it ends by itself.' }),
    secondFactorAt: t.expose('secondFactorAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When your second factor was last verified in it.',
    }),
  }),
});

builder.queryFields((t) => ({
  mySessions: t.field({
    type: [Session],
    nullable: false,
    role: 'MEMBER',
    description: 'Where you are signed in, the newest first, at most 100.',
    resolve: async (_root, _args, { services }) => [...(await services.sessions.mine())],
  }),
}));
