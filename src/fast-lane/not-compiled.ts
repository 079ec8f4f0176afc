/** Thrown while compiling, caught by the lane: the operation goes the ordinary way, where everything is known. */
export class NotCompiled extends Error {
  override readonly name = 'NotCompiled';
}

/** @param what is in the way, for the list of what does not compile */
export function notCompiled(what: string): never {
  throw new NotCompiled(what);
}
