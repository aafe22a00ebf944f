import { ExitError } from '../errors/errors.ts';
import { bashCompletion } from './completion/bash.ts';
import { completedCommands, type NamedCommand, SHELLS } from './completion/completed.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { parseSmall, type SmallCommand } from './small-command.ts';

export const COMPLETION: SmallCommand = {
  usage: 'bash|zsh|fish',
  intro: `Prints what a shell reads to complete commands, flags and their values.

Examples:
  source <(sglang-launch completion bash)       # in ~/.bashrc
  source <(sglang-launch completion zsh)        # in ~/.zshrc, after compinit
  sglang-launch completion fish | source        # in ~/.config/fish/config.fish`,
  flags: [],
};

/** The names that the program has; flags without a command are for the first alone. */
const PROGRAMS = ['sglang-launch', 'sglang-router'];

const TEXTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `completion SHELL`: prints the text for that shell. Resolves to the exit code. */
export async function runCompletion(argv: readonly string[], commands: readonly NamedCommand[]): Promise<number> {
  const { words } = parseSmall(COMPLETION, argv);
  const shell = SHELLS.find((name) => name === words[0]);
  if (shell === undefined || words.length > 1) {
    const came = words.length === 0 ? 'none' : `'${words.join(' ')}'`;
    throw new ExitError('usage', `expected the name of a shell, ${SHELLS.join(', ')}, got ${came}`);
  }
  process.stdout.write(TEXTS[shell](PROGRAMS, await completedCommands(commands)));
  return 0;
}
