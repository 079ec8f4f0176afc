import { POINTS_WITH_EACH_REQUEST, type Quota, type Standing } from '../../auth/rate-limit/rate-limiter.js';
import { builder } from '../../graphql/builder.js';
import { partOf } from '../../graphql/computed.js';
import { COST_RULE } from '../../graphql/cost.js';
import { readsFrom } from '../../graphql/source.js';

const Window = builder.objectRef<Quota>('RateLimitWindow').implement({
  description: 'How many requests a window of time allows; it begins anew at its end.',
  authenticated: true,
  fields: (t) => ({
    limit: t.exposeInt('limit', { nullable: false, description: 'Requests that the whole window allows.' }),
    remaining: t.exposeInt('remaining', { nullable: false, description: 'Requests that are left after this one.' }),
    used: t.int({
      nullable: false,
      description: 'Requests that are gone, this one included.',
      ...partOf(({ limit, remaining }: Quota) => limit - remaining),
    }),
    resetAt: t.field({
      type: 'DateTime',
      nullable: false,
      description: 'When the window ends: at the turn of a UTC minute or day.',
      ...partOf(({ resetsAt }: Quota) => new Date(resetsAt)),
    }),
  }),
});

const Bucket = builder.objectRef<Standing>('CostBucket').implement({
  description: 'The points from which operations of the workspace are paid.',
  authenticated: true,
  fields: (t) => ({
    maximumAvailable: t.int({
      nullable: false,
      description: 'Points that it holds when full.',
      ...partOf(({ allowance }: Standing) => allowance.bucket.most),
    }),
    currentlyAvailable: t.int({
      nullable: false,
      description: 'Points that are in it while this operation runs.',
      ...partOf(({ available }: Standing) => available),
    }),
    restoreRate: t.int({
      nullable: false,
      description: 'Points that it regains per second.',
      ...partOf(({ allowance }: Standing) => allowance.bucket.perSecond),
    }),
  }),
});

const RateLimit = builder.objectRef<Standing>('RateLimit').implement({
  description: 'Where this request stands with its limits: the least that its workspace and its key leave.',
  authenticated: true,
  fields: (t) => ({
    limit: t.int({
      nullable: false,
      description: 'Requests that one minute allows.',
      ...partOf(({ allowance }: Standing) => allowance.minute.limit),
    }),
    remaining: t.int({
      nullable: false,
      description: 'Requests that are left in this minute after this one.',
      ...partOf(({ allowance }: Standing) => allowance.minute.remaining),
    }),
    used: t.int({
      nullable: false,
      description: 'Requests of this minute that are gone, this one included.',
      ...partOf(({ allowance: { minute } }: Standing) => minute.limit - minute.remaining),
    }),
    resetAt: t.field({
      type: 'DateTime',
      nullable: false,
      description: 'When the minute ends.',
      ...partOf(({ allowance }: Standing) => new Date(allowance.minute.resetsAt)),
    }),
    minute: t.field({
      type: Window,
      nullable: false,
      description: 'The same as limit, remaining, used and resetAt.',
      ...partOf(({ allowance }: Standing) => allowance.minute),
    }),
    day: t.field({
      type: Window,
      nullable: false,
      description: 'The limit per day.',
      ...partOf(({ allowance }: Standing) => allowance.day),
    }),
    cost: t.exposeInt('cost', {
      nullable: false,
      description: `Points that this operation costs at most: ${COST_RULE}. Its first ${POINTS_WITH_EACH_REQUEST} points come with the request and are not drawn from the bucket.`,
    }),
    bucket: t.field({
      type: Bucket,
      nullable: false,
      description: 'Where the points beyond those come from.',
      ...partOf((standing: Standing) => standing),
    }),
  }),
});

builder.queryFields((t) => ({
  rateLimit: t.field({
    type: RateLimit,
    nullable: true,
    authenticated: true,
    description: 'Where this request stands with its limits; null for one that the server makes itself.',
    extensions: readsFrom({ kind: 'standing' }),
    resolve: (_root, _args, { standing }) => standing,
  }),
}));
