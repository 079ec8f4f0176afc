import type { Command } from 'commander';
import { addCommand, wholeNumber } from './command.js';
import { aligned, styled } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface KeysRotateOptions {
  readonly graceSeconds?: number;
}

export const addKeysRotate = (parent: Command): void =>
  addCommand<KeysRotateOptions>(parent, {
    name: 'rotate <id>',
    description: 'give a key a new secret and print it, this once; the one before works on for a grace',
    example: 'keys rotate key_… --grace-seconds 3600',
    flags: (command) =>
      command.option(
        '--grace-seconds <seconds>',
        'how long the secret before works on, 0 to 604800; left out: a day',
        wholeNumber,
      ),
    run: async ({ graceSeconds }, output, [id = '']) => {
      const rotated = await perform(loadSettings(), 'keys.rotate', { id, graceSeconds: graceSeconds ?? null });
      const until = rotated.rotationGraceUntil;
      output.print({
        json: rotated,
        lines: [
          ...aligned([
            ['key', styled('bold', rotated.key)],
            ['id', rotated.id],
            ['name', rotated.name],
          ]),
          until === null ? 'The secret before works no more.' : `The secret before works until ${until}.`,
          'The key is shown this once. Keep it where secrets are kept.',
        ],
      });
      return 0;
    },
  });
