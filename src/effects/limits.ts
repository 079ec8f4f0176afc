// The numbers of the sallyport in one place, each with its reason.

export const effectLimits = {
  /** A request nobody decided on in three days is not wanted any more; one approved waits as long for a worker. */
  expiresInHours: 72,
  /** A caller that lost an answer asks again within a week. */
  idempotencyKeptDays: 7,
  idempotencyKeyCharsMax: 255,
  commentCharsMax: 2_000,
  /** What a person is asked to read before approving, and what one row should hold. */
  payloadBytesMax: 512 * 1024,
  /** How long an attempt is believed alive after its worker was last heard of; renewed three times as often. */
  leaseMs: 30_000,
  performTimeoutMs: 90_000,
  /** Waits between attempts that provably did nothing. After the last the effect fails. */
  retryDelaysMs: [5_000, 30_000, 120_000, 600_000, 1_800_000],
  /** What a provider's own wish to wait is cut to. */
  retryAfterMaxMs: 3_600_000,
  /** With the lease: what a dead process left behind is settled or shown within a minute. */
  recoverEveryMs: 15_000,
  /** Rows one pass of recovery takes on; the next pass takes the rest. */
  recoverAtOnce: 200,
  /** Idempotency records that are past their time go within the hour after it. */
  sweepEveryMs: 600_000,
  sweepAtOnce: 5_000,
  /** Whoever may decide is told of what waits: what is asked for within so long is one mail. */
  tellAfterMs: 20_000,
  tellEveryMs: 10_000,
  /** At most one mail to a person in ten minutes, whatever is asked for; the next one tells the rest. */
  tellQuietMs: 600_000,
  /** Told once more when this share of its time is left: 18 of 72 hours. */
  tellAgainShare: 0.25,
  /** Named one by one in a mail; of the others their number. */
  toldByNameMax: 20,
  /** Persons one pass writes to, and requests one mail takes on; the next takes the rest. */
  tellAtOnce: 100,
  toldAtOnce: 500,
  /** Longer than anything waits. */
  noticesKeptDays: 30,
  /** While a previous secret is set; a pass goes on until nothing is left. */
  rewrapEveryMs: 3_600_000,
  rewrapAtOnce: 500,
} as const;
