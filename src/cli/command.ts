// One command of `sallyport`: its flags and help, what it runs, and the exit code it ends with (0, 1 failed, 2 usage or
// configuration). What a command needs is imported when it runs, so that help costs nothing.
import { type Command, InvalidArgumentError } from 'commander';
import { failureOf } from './failure.js';
import { type Output, openOutput, printFailure } from './output.js';

export interface CommandSpec<Options> {
  /** The name, and its arguments as commander writes them: `revoke <id>`. */
  readonly name: string;
  readonly description: string;
  /** Without `sallyport`. */
  readonly example: string;
  readonly flags?: (command: Command) => Command;
  /** The exit code, when it is not 0. */
  readonly run: (options: Options, output: Output, args: readonly string[]) => Promise<number | undefined>;
}

export function addCommand<Options extends object>(parent: Command, spec: CommandSpec<Options>): void {
  const command = parent.command(spec.name).description(spec.description);
  spec.flags?.(command);
  command
    .option('--json', 'print one JSON value and nothing else; logs go to standard error')
    .addHelpText('after', `\nExample:\n  $ sallyport ${spec.example}`)
    .action(async () => {
      const options = command.opts<Options & { readonly json?: boolean }>();
      const output = openOutput(options.json === true);
      process.exitCode = await spec
        .run(options, output, command.args)
        .then((code) => code ?? 0)
        .catch((error: unknown) => {
          const failure = failureOf(error);
          printFailure(failure, output.isJson);
          return failure.exitCode;
        });
    });
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** `a,b` */
export const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
