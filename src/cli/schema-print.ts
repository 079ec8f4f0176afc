import type { Command } from 'commander';
import { addCommand } from './command.js';

export const addSchemaPrint = (parent: Command): void =>
  addCommand<object>(parent, {
    name: 'print',
    description: 'print the GraphQL schema with every directive',
    example: 'schema print > schema.graphql',
    run: async (_options, output) => {
      const [{ printSdl }, { schema }] = await Promise.all([import('../graphql/print.js'), import('../schema.js')]);
      const sdl = printSdl(schema);
      output.print({ json: { sdl }, lines: [sdl] });
      return 0;
    },
  });
