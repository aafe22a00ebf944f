import { Command, CommanderError } from 'commander';
import { ExitError } from '../errors/errors.ts';
import { helpPage, type Layout } from './help.ts';

/** A command with a few flags of its own: its help, and what it takes. */
export interface SmallCommand {
  readonly usage: string;
  readonly intro: string;
  /** Flags as commander writes them, and what they do. */
  readonly flags: readonly (readonly [flags: string, help: string])[];
}

/** What was given: words by themselves, and the flags under their names in camelCase. */
export interface Parsed {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

const HELP = ['-h, --help', 'print this and exit'] as const;

/** Its help. */
export function smallHelp({ usage, intro, flags }: SmallCommand, { prog, columns }: Layout): string {
  return helpPage({ usage, intro, sections: [{ heading: 'Flags', rows: [...flags, HELP] }] }, { prog, columns });
}

/** Reads its command line. Throws a usage error. */
export function parseSmall({ flags }: SmallCommand, argv: readonly string[]): Parsed {
  const command = new Command().helpOption(false).argument('[words...]').exitOverride();
  command.configureOutput({ writeErr: () => {} });
  for (const [flag, help] of flags) command.option(flag, help);
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const message = error.message.replace(/^error: /, '').replace('\n', ' ');
    throw new ExitError('usage', message, { hint: '--help lists the flags', cause: error });
  }
  return { words: command.args, flags: command.opts() };
}
