// GraphQL from inside: a plan, a mission, a tool. There is one way in, with every check that a request passes; what stands
// behind this port is wired by the root. An operation is judged first, outside of any transaction, and run once: with a
// transaction per root field, as at the door, or all of it inside the transaction of the world it is run in.
import type { Principal } from '../auth/principal.js';
import type { Executed, JudgedOperation, OperationAsked } from './operations.js';
import type { World } from './world.js';

export interface OperationPort {
  /**
   * Limits, validation, scopes, an agent key's binding, the cost, which is drawn. Not inside a transaction.
   * @throws the refusal as it would be answered: GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, QUERY_TOO_COMPLEX,
   * BAD_USER_INPUT, FORBIDDEN, FORBIDDEN_AGENT, RATE_LIMITED and others
   */
  judge(asked: OperationAsked, principal: Principal, world: World): Promise<JudgedOperation>;
  /** Where `world` is in a transaction it is the owner's, and every root field is a part of it that may fail alone. */
  run(judged: JudgedOperation, world: World): Promise<Executed>;
}
