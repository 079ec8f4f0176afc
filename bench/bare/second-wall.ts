// Takes the place of src/graphql/guard-plugin/second-wall.ts in the bare server: no field is handed to scope-auth, so
// resolvers run unwrapped. The declarations stay, or the schema would not be the same.
import type {
  fieldScopes as realFieldScopes,
  authScopes as realScopes,
} from '../../src/graphql/guard-plugin/second-wall.js';

export const authScopes: typeof realScopes = () => ({ access: () => true });

export const fieldScopes: typeof realFieldScopes = () => null;

export const unauthorizedError = (): Error => new Error('Nothing is refused here.');
