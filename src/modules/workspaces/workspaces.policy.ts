// The numbers of a workspace's life, each with its reason.

/** Long enough to notice that it was the wrong one. */
export const graceDays = 7;
/** As many as a person is asked to choose from. */
export const workspacesMax = 100;
/** Ten years: whoever means longer means no rule. */
export const policyDaysMax = 3_650;
/** Cancelled in the transaction of the deletion; what is more than that is cancelled within minutes. */
export const openEffectsAtOnce = 200;
export const eraseEveryMs = 60_000;
/** So that a transaction stays short beside the work of others. */
export const erasedAtOnce = 1_000;
