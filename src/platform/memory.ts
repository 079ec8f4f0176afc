// What this process tells V8 of memory, before anything large is loaded. V8 would take more for a little speed that this
// server does not miss; `npm run bench` shows both.
import { setFlagsFromString } from 'node:v8';

/** By how many percent what has lived for a while may grow before it is looked through; V8 would let it grow up to fourfold. */
const GROWTH_PERCENT = 50;

/**
 * How much of a WebAssembly function runs before V8 optimises it, in bytes; by default 1.8 million. The optimiser keeps what
 * it needed for the largest of Prisma's query compiler, 80 MB. Plans are kept, so that it runs seldom.
 */
const WASM_BUDGET = 100_000_000;

/** @param runsWasm the embedded database is WebAssembly through and through, and worth optimising */
export function boundMemory({ runsWasm }: { readonly runsWasm: boolean }): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  if (!runsWasm) leaveWasmAsCompiled();
}

/** Before any of it is compiled. */
export const leaveWasmAsCompiled = (): void => setFlagsFromString(`--wasm-tiering-budget=${WASM_BUDGET}`);
