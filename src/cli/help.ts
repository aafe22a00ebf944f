import { Command, Option } from 'commander';
import { LAUNCH_OPTIONS, SERVER_OPTIONS } from '../config/launch-options.ts';
import { describe, term } from '../config/render.ts';
import { GROUPS, type Spec } from '../config/spec.ts';
import { optionsOf, PREFIXED_OPTIONS, ROUTER_OPTIONS } from '../config/vocabulary.ts';

/** Columns of the flags; a longer one has its description below it. */
const TERM_WIDTH = 34;
const WIDEST = 110;

/** How the text is laid out: the words that start the program, and the columns of the terminal. */
export interface Layout {
  readonly prog: string;
  readonly columns: number;
}

const FOOTER = `
Each flag has a variable, --queue-size is SGLANG_ROUTER_QUEUE_SIZE; the command line comes first.
`;

/** Help of the router alone. */
export function routerHelp({ prog, columns }: Layout): string {
  const intro = `Routes requests over running SGLang servers: one port in front of many workers.

Example: ${prog} --worker-urls http://10.0.0.1:30000 http://10.0.0.2:30000 --port 8000`;
  return page(prog, '[--worker-urls URL ...] [flags]', intro, columns, specsOf(ROUTER_OPTIONS));
}

/** Help of the co-launch. */
export function serverHelp({ prog, columns }: Layout): string {
  const intro = `Starts SGLang servers on this machine, watches them, and serves one port that spreads requests over them.

Examples:
  ${prog} --model-path meta-llama/Meta-Llama-3.1-8B-Instruct --dp-size 4
  ${prog} --sim --dp-size 4

Flags that are not listed here go to every server as they are: python -m sglang.launch_server --help lists them.`;
  const specs = [
    ...specsOf(optionsOf(SERVER_OPTIONS)),
    ...specsOf(optionsOf(LAUNCH_OPTIONS)),
    ...specsOf(PREFIXED_OPTIONS),
  ];
  return page(prog, '(--model-path MODEL | --sim) [--dp-size N] [flags] [server flags]', intro, columns, specs);
}

/** Help of the program: its commands. */
export function programHelp(
  { prog, columns }: Layout,
  commands: readonly { readonly name: string; readonly summary: string }[],
): string {
  const program = createCommand(
    prog,
    '<command> [flags]',
    'One command turns a box of GPUs into one inference endpoint.',
    columns,
  );
  for (const { name, summary } of commands)
    program.addCommand(new Command(name).description(summary).helpOption(false));
  program.option('-h, --help', 'print help; after a command, that of the command');
  program.option('-V, --version', 'print the version');
  return program.helpInformation();
}

function page(prog: string, usage: string, intro: string, columns: number, specs: readonly Spec[]): string {
  const command = createCommand(prog, usage, intro, columns);
  for (const spec of specs.filter(({ noEffect }) => !noEffect)) {
    command.addOption(new Option(term(spec), describe(spec)).helpGroup(`${GROUPS[spec.group]}:`));
  }
  command.addOption(new Option('-h, --help', 'print this and exit').helpGroup('Help:'));
  command.addOption(new Option('-V, --version', 'print the version and exit').helpGroup('Help:'));
  const ignored = specs.filter(({ noEffect }) => noEffect).map(({ flags }) => flags[0]);
  return `${command.helpInformation()}\n${GROUPS.compat}:\n${wrap(ignored, columns)}\n${FOOTER}`;
}

/** A command as commander lays out its help. */
export function createCommand(prog: string, usage: string, intro: string, columns: number): Command {
  return new Command(prog)
    .usage(usage)
    .description(intro)
    .helpOption(false)
    .helpCommand(false)
    .configureHelp({
      helpWidth: Math.min(columns, WIDEST),
      padWidth: () => TERM_WIDTH,
      optionDescription: (option) => option.description,
      subcommandTerm: (command) => command.name(),
      formatItem: (name, width, description, helper) => {
        const indent = ' '.repeat(width + 4);
        const text = helper
          .boxWrap(description, (helper.helpWidth ?? WIDEST) - indent.length)
          .replaceAll('\n', `\n${indent}`);
        return name.length > width ? `  ${name}\n${indent}${text}` : `  ${name.padEnd(width)}  ${text}`;
      },
    });
}

function specsOf(options: readonly { readonly spec: Spec }[]): readonly Spec[] {
  return options.map(({ spec }) => spec);
}

function wrap(words: readonly string[], columns: number): string {
  const lines = [' '];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length >= Math.min(columns, WIDEST)) lines.push(' ');
    lines[lines.length - 1] += ` ${word}`;
  }
  return lines.join('\n');
}
