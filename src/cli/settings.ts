// Flags over environment over `.env`: a flag stands for the variable it is named after.
import { type Config, loadConfig, processEnvironment } from '../config.js';

export interface ServerFlags {
  readonly port?: string;
}

/** @throws ConfigurationError naming the variable */
export function loadSettings({ port }: ServerFlags = {}, defaults: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ ...defaults, ...processEnvironment(), ...(port === undefined ? {} : { PORT: port }) });
}
