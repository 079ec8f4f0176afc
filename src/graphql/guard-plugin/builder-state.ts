// What one builder knows beyond Pothos: the types that ids name, the actions that may be held, and the scope maps of the
// second wall, one per distinct access, so that scope-auth judges each once per request.
import type { Access } from './access.js';
import type { NodeTypeEntry } from './field-rule.js';

/** What scope-auth is handed for a field; the same object for the same access. */
export interface ScopeMap {
  readonly access: readonly Access[];
}

export interface BuilderState {
  readonly nodeTypes: Map<string, NodeTypeEntry>;
  readonly scopeMaps: Map<string, ScopeMap>;
}

const states = new WeakMap<object, BuilderState>();

export const stateOf = (builder: object): BuilderState => {
  let state = states.get(builder);
  if (state === undefined) {
    state = { nodeTypes: new Map(), scopeMaps: new Map() };
    states.set(builder, state);
  }
  return state;
};

export const scopeMapOf = (state: BuilderState, accesses: readonly Access[]): ScopeMap => {
  const key = JSON.stringify(accesses);
  let map = state.scopeMaps.get(key);
  if (map === undefined) {
    map = { access: accesses };
    state.scopeMaps.set(key, map);
  }
  return map;
};
