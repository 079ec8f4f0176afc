#!/usr/bin/env node
// Runs `dist`. In a checkout it is built first when the sources are newer, so that `npm ci` is all it takes.
import { existsSync } from 'node:fs';

const buildScript = new URL('../scripts/build.mjs', import.meta.url);
if (existsSync(buildScript)) {
  const { build, isBuilt } = await import(buildScript.href);
  if (!isBuilt()) await build();
}
await import('../dist/main.js');
