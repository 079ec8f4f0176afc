import type { Command } from 'commander';
import { addCommand } from './command.js';
import { aligned, styled } from './output.js';
import { reach } from './reach.js';
import { loadSettings } from './settings.js';

const colours = { ok: 'green', off: 'dim', problem: 'red' } as const;

export const addDoctor = (parent: Command): void =>
  addCommand<object>(parent, {
    name: 'doctor',
    description: 'say what is set, what is not, and what stands in the way of a start; exit 1 when something does',
    example: 'doctor --json',
    run: async (_options, output) => {
      const config = loadSettings();
      const { ok, checks } = await reach(config, 'doctor', {}, async () => {
        const [{ inspect }, { peek }] = await Promise.all([import('./inspect.js'), import('./peek.js')]);
        return peek(config, (ask) => inspect(config, ask)).catch((error: unknown) =>
          inspect(config, () => Promise.reject(error)),
        );
      });
      const rows = checks.map(({ name, state, detail }) => [state, name, detail]);
      output.print({
        json: { ok, checks },
        lines: aligned(rows).map((line, i) => styled(colours[checks[i]?.state ?? 'ok'], line)),
      });
      return ok ? 0 : 1;
    },
  });
