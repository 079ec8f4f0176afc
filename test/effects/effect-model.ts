// The sallyport on one page, without a database: what each step makes of an effect and of the money, written from the
// contract and not from the code. The real services are driven beside it, and must never differ.

export type Status =
  | 'AWAITING_APPROVAL'
  | 'QUEUED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'UNCERTAIN'
  | 'REJECTED'
  | 'EXPIRED'
  | 'CANCELLED';
export type Asker = 'keyOne' | 'keyTwo' | 'agentKey' | 'owner' | 'member';
export type Decider = 'owner' | 'admin' | 'second';
export type Capped = 'keyOne' | 'keyTwo' | 'agent' | 'workspace';
export type Outcome = 'ok' | 'not-sent' | 'unknown' | 'refused' | 'defect';
/** The code of the refusal; null: it was done. */
export type Refusal = string | null;

export interface Cap {
  readonly credits: number | null;
  readonly period: 'LIFETIME' | 'DAY';
}

export interface Pausing {
  readonly asker: 'keyOne' | 'agentKey' | null;
  readonly kind: 'message.send' | 'agent.trigger' | null;
}

export interface ModelEffect {
  status: Status;
  readonly asker: Asker;
  readonly price: number;
  readonly requirement: 'NONE' | 'CONFIRM' | 'ONE' | 'TWO';
  reserved: number;
  charged: number;
  /** The day on which its money was first reserved; null: never. */
  day: number | null;
  expiresAt: number;
  attempts: number;
  readonly approvals: Set<Decider | Asker>;
  readonly shapedBy: ReadonlySet<Decider>;
}

const HOUR = 3_600_000;
export const TRIES = 3;
const FINAL: readonly Status[] = ['SUCCEEDED', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED'];

/** Which rule speaks: by who asks and, for people, by how much. */
export const ruleFor = (asker: Asker, price: number): { need: ModelEffect['requirement']; parks: boolean } => {
  if (asker === 'keyOne') return { need: 'ONE', parks: false };
  if (asker === 'keyTwo') return { need: 'TWO', parks: true };
  if (asker === 'agentKey') return { need: 'NONE', parks: true };
  return price >= 3 ? { need: 'CONFIRM', parks: true } : { need: 'NONE', parks: false };
};

const isKey = (asker: Asker): boolean => asker === 'keyOne' || asker === 'keyTwo' || asker === 'agentKey';

export class Model {
  now: number;
  day = 0;
  toppedUp = 0;
  isSandbox = false;
  readonly revoked = new Set<Asker>();
  readonly pauses: Pausing[] = [];
  readonly effects: ModelEffect[] = [];
  readonly caps: Record<Capped, Cap> = {
    keyOne: { credits: null, period: 'LIFETIME' },
    keyTwo: { credits: null, period: 'LIFETIME' },
    agent: { credits: null, period: 'LIFETIME' },
    workspace: { credits: null, period: 'LIFETIME' },
  };
  /** What was seen in the course of it: statuses and refusals. */
  readonly seen = new Set<string>();

  constructor(now: number) {
    this.now = now;
  }

  get reserved(): number {
    return this.effects.reduce((sum, { reserved }) => sum + reserved, 0);
  }
  get charged(): number {
    return this.effects.reduce((sum, { charged }) => sum + charged, 0);
  }
  get available(): number {
    return this.toppedUp - this.charged - this.reserved;
  }

  /** Of one payer: in its life, or of what was asked for today. */
  used(of: Capped): number {
    const { period } = this.caps[of];
    return this.effects
      .filter(({ asker, day }) => isPaidBy(asker, of) && (period === 'LIFETIME' || day === this.day))
      .reduce((sum, { reserved, charged }) => sum + reserved + charged, 0);
  }

  propose(asker: Asker, credits: number, shapedBy: ReadonlySet<Decider> = new Set()): Refusal {
    const price = this.isSandbox ? 0 : credits;
    const { need, parks } = ruleFor(asker, price);
    const refusal = this.whyNotReserve(asker, price);
    const isParked = parks && refusal === 'SPEND_CAP_EXCEEDED';
    if (refusal !== null && !isParked) return this.tell(refusal);
    if (isParked) this.tell('parked');
    this.effects.push({
      status: need === 'NONE' && !isParked ? 'QUEUED' : 'AWAITING_APPROVAL',
      ...{ asker, price, requirement: need, reserved: isParked ? 0 : price, charged: 0, attempts: 0 },
      day: isParked || price === 0 ? null : this.day,
      expiresAt: this.now + 72 * HOUR,
      ...{ approvals: new Set<Decider | Asker>(), shapedBy },
    });
    return null;
  }

  approve(at: number, who: Decider): Refusal {
    const effect = this.at(at);
    const refusal = this.whyNotDecide(effect, who);
    if (refusal !== null) return this.tell(refusal);
    if (effect.requirement === 'CONFIRM' && !isParked(effect)) return this.tell('FORBIDDEN');
    if (!isParked(effect) && effect.price > 0 && this.isOverCap(effect.asker)) return this.tell('SPEND_CAP_EXCEEDED');
    if (effect.approvals.has(who)) return this.tell('CONFLICT');
    const isEnough = effect.approvals.size + 1 >= (effect.requirement === 'TWO' ? 2 : 1);
    if (isEnough) {
      const why = this.queue(effect);
      if (why !== null) return this.tell(why);
    }
    effect.approvals.add(who);
    return null;
  }

  /** By whoever asked. */
  confirm(at: number): Refusal {
    const effect = this.at(at);
    if (isKey(effect.asker) || effect.requirement !== 'CONFIRM') return this.tell('FORBIDDEN');
    if (!this.isWaiting(effect)) return this.tell('CONFLICT');
    if (!isParked(effect) && effect.price > 0 && this.isOverCap(effect.asker)) return this.tell('SPEND_CAP_EXCEEDED');
    const why = this.queue(effect);
    if (why === null) effect.approvals.add(effect.asker);
    return this.tell(why);
  }

  reject(at: number, who: Decider): Refusal {
    const effect = this.at(at);
    const refusal = this.whyNotDecide(effect, who);
    if (refusal === null) this.end(effect, 'REJECTED');
    return this.tell(refusal);
  }

  /** By whoever asked, or by an admin. */
  cancel(at: number): Refusal {
    const effect = this.at(at);
    if (effect.status !== 'AWAITING_APPROVAL' && effect.status !== 'QUEUED') return this.tell('CONFLICT');
    this.end(effect, 'CANCELLED');
    return null;
  }

  amend(at: number, who: Decider, credits: number): Refusal {
    const effect = this.at(at);
    const refusal = this.whyNotDecide(effect, who);
    if (refusal !== null) return this.tell(refusal);
    const { reserved } = effect;
    // Its own money is free for the new one, and stays where it is when there is not enough for that.
    this.end(effect, 'CANCELLED');
    const why = this.propose(effect.asker, credits, new Set([...effect.shapedBy, who]));
    if (why !== null) Object.assign(effect, { status: 'AWAITING_APPROVAL', reserved });
    return why;
  }

  /** What a worker does before it touches the world. True: the provider is called. */
  begins(at: number): boolean {
    const effect = this.at(at);
    if (effect.status !== 'QUEUED' || this.isPaused(effect)) return false;
    if (effect.expiresAt <= this.now || (effect.price > 0 && this.isOverCap(effect.asker))) {
      this.end(effect, 'FAILED');
      return false;
    }
    effect.attempts++;
    return true;
  }

  /** What becomes of an attempt that began. */
  attempted(at: number, outcome: Outcome, takesKey: boolean): void {
    const effect = this.at(at);
    const isUnknown = outcome === 'unknown' || outcome === 'defect';
    if (outcome === 'ok') this.end(effect, 'SUCCEEDED');
    else if (outcome === 'refused') this.end(effect, 'FAILED');
    else if ((outcome === 'not-sent' || takesKey) && effect.attempts < TRIES) this.goAgain(effect);
    else this.end(effect, isUnknown ? 'UNCERTAIN' : 'FAILED');
  }

  settle(at: number, status: 'SUCCEEDED' | 'FAILED'): Refusal {
    const effect = this.at(at);
    if (effect.status !== 'UNCERTAIN') return this.tell('CONFLICT');
    this.end(effect, status, { isSettled: true });
    return null;
  }

  expire(): void {
    for (const effect of this.effects) {
      if (effect.status === 'AWAITING_APPROVAL' && effect.expiresAt <= this.now) this.end(effect, 'EXPIRED');
    }
  }

  revoke(asker: Asker): void {
    this.revoked.add(asker);
    for (const effect of this.effects) {
      const isOpen = effect.status === 'AWAITING_APPROVAL' || effect.status === 'QUEUED';
      if (effect.asker === asker && isOpen) this.end(effect, 'CANCELLED');
    }
  }

  isOverCap(asker: Asker): boolean {
    return cappedOf(asker).some((of) => (this.caps[of].credits ?? Number.POSITIVE_INFINITY) < this.used(of));
  }

  at(index: number): ModelEffect {
    const effect = this.effects[index];
    if (effect === undefined) throw new Error(`There is no effect ${index}.`);
    return effect;
  }

  private whyNotReserve(asker: Asker, credits: number): Refusal {
    if (credits === 0) return null;
    const isOver = (of: Capped) => (this.caps[of].credits ?? Number.POSITIVE_INFINITY) < this.used(of) + credits;
    const [first, ...others] = isKey(asker) ? cappedOf(asker) : [null, ...cappedOf(asker)];
    const own = first === 'keyOne' || first === 'keyTwo' ? first : null;
    if (own !== null && isOver(own)) return 'SPEND_CAP_EXCEEDED';
    if (this.available < credits) return 'INSUFFICIENT_CREDITS';
    const rest = [...(own === null ? [first] : []), ...others];
    return rest.some((of) => of !== null && isOver(of)) ? 'SPEND_CAP_EXCEEDED' : null;
  }

  private whyNotDecide(effect: ModelEffect, who: Decider): Refusal {
    if (effect.asker === who || effect.shapedBy.has(who)) return 'FORBIDDEN';
    return this.isWaiting(effect) ? null : 'CONFLICT';
  }

  private isWaiting({ status, expiresAt }: ModelEffect): boolean {
    return status === 'AWAITING_APPROVAL' && expiresAt > this.now;
  }

  private isPaused({ asker }: ModelEffect): boolean {
    return this.pauses.some(
      (pause) => (pause.asker === null || pause.asker === asker) && pause.kind !== 'agent.trigger',
    );
  }

  private queue(effect: ModelEffect): Refusal {
    if (isParked(effect)) {
      const why = this.whyNotReserve(effect.asker, effect.price);
      if (why !== null) return why;
      Object.assign(effect, { reserved: effect.price, day: this.day });
    }
    this.goAgain(effect);
    return null;
  }

  private goAgain(effect: ModelEffect): void {
    Object.assign(effect, { status: 'QUEUED', expiresAt: this.now + 72 * HOUR });
  }

  private end(effect: ModelEffect, status: Status, { isSettled = false } = {}): void {
    this.seen.add(status);
    effect.status = status;
    // A rehearsal that was asked for in earnest is captured, and not paid for.
    if (status === 'SUCCEEDED' && (isSettled || !this.isSandbox)) effect.charged = effect.reserved;
    if (FINAL.includes(status)) effect.reserved = 0;
  }

  private tell(refusal: Refusal): Refusal {
    if (refusal !== null) this.seen.add(refusal);
    return refusal;
  }
}

const isParked = ({ status, reserved, price }: ModelEffect): boolean =>
  status === 'AWAITING_APPROVAL' && reserved < price;

/** Whose caps an asker's money counts for, its own first. */
const cappedOf = (asker: Asker): readonly Capped[] => {
  if (asker === 'keyOne' || asker === 'keyTwo') return [asker, 'workspace'];
  return asker === 'agentKey' ? ['agent', 'workspace'] : ['workspace'];
};

const isPaidBy = (asker: Asker, of: Capped): boolean => cappedOf(asker).includes(of);
