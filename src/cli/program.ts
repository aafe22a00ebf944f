import manifest from '../../package.json' with { type: 'json' };
import { nearest } from '../config/nearest.ts';
import { type Question, questionIn } from '../config/resolve.ts';
import { show } from '../config/values.ts';
import { ExitError } from '../errors/errors.ts';
import type { Extent } from './flag-help.ts';
import type { Layout } from './help.ts';
import { type ErrorOutput, report } from './report.ts';
import type { SmallCommand } from './small-command.ts';

/** What the program runs with, so that tests can stand in for it. */
interface ProgramContext extends ErrorOutput {
  readonly columns: number;
  readonly out: (text: string) => void;
}

type Run = (argv: readonly string[], env: NodeJS.ProcessEnv) => Promise<number>;

interface CommandRow {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Loads the command's module, which help and version must not. */
  readonly load: () => Promise<Run>;
  /** What it takes, where that is little; its help comes from there. */
  readonly small?: () => Promise<SmallCommand>;
  /** Its help otherwise; `commands` are the names of all. */
  readonly help?: (layout: Layout, extent: Extent, commands: readonly string[]) => Promise<string>;
}

const COMMANDS: readonly CommandRow[] = [
  {
    name: 'server',
    aliases: [],
    summary: 'start SGLang servers, or simulated engines, and route requests to them',
    load: async () => (await import('./server.ts')).runServer,
    help: async (...about) => (await import('./flag-help.ts')).serverHelp(...about),
  },
  {
    name: 'router',
    aliases: ['launch'],
    summary: 'route requests to servers that run already',
    load: async () => (await import('./router.ts')).runRouter,
    help: async (...about) => (await import('./flag-help.ts')).routerHelp(...about),
  },
  {
    name: 'doctor',
    aliases: [],
    summary: 'look at this machine: what a start would fail or suffer from, and what to do about it',
    load: async () => (await import('./doctor.ts')).runDoctor,
    small: async () => (await import('./doctor.ts')).DOCTOR,
  },
  {
    name: 'logs',
    aliases: [],
    summary: 'print what the servers of a launch wrote',
    load: async () => (await import('./logs.ts')).runLogs,
    small: async () => (await import('./logs.ts')).LOGS,
  },
  {
    name: 'restart',
    aliases: [],
    summary: 'restart servers of a running launch, one after the other',
    load: async () => (await import('./restart.ts')).runRestart,
    small: async () => (await import('./restart.ts')).RESTART,
  },
  {
    name: 'top',
    aliases: [],
    summary: 'show a running router on the terminal: workers, decisions, errors',
    load: async () => (await import('./top.ts')).runTopCommand,
    small: async () => (await import('./top.ts')).TOP,
  },
  {
    name: 'ps',
    aliases: [],
    summary: 'print the workers of a running router',
    load: async () => (await import('./ps.ts')).runPs,
    small: async () => (await import('./ps.ts')).PS,
  },
  {
    name: 'sim-engine',
    aliases: [],
    summary: 'run one simulated engine: an SGLang server without GPU and model',
    load: async () => (await import('./sim-engine.ts')).runSimEngine,
    help: async (layout) => (await import('./sim-help.ts')).simHelp(layout),
  },
  {
    name: 'bench',
    aliases: [],
    summary: 'measure how requests are spread over servers, beside other routers',
    load: async () => (await import('./bench.ts')).runBenchCommand,
    help: async (layout) => (await import('./bench-help.ts')).benchHelp(layout),
  },
  {
    name: 'config',
    aliases: [],
    summary: 'print the values that a command would run by, and where each comes from',
    load: async () => (await import('./config.ts')).runConfig,
    small: async () => (await import('./config.ts')).CONFIG,
  },
  {
    name: 'completion',
    aliases: [],
    summary: 'print the completion of commands and flags for bash, zsh or fish',
    load: async () => {
      const { runCompletion } = await import('./completion.ts');
      return (argv) => runCompletion(argv, COMMANDS);
    },
    small: async () => (await import('./completion.ts')).COMPLETION,
  },
];

/** The names the program goes by. `sglang-launch FLAGS` is `sglang-launch server FLAGS`. */
export type ProgramName = 'sglang-launch' | 'sglang-router';

/** Runs one command line; resolves with the exit code. Errors are printed here, once. */
export async function runProgram(
  program: ProgramName,
  argv: readonly string[],
  context: ProgramContext,
): Promise<number> {
  try {
    return await dispatch(program, argv, context);
  } catch (error) {
    return report(error, context);
  }
}

async function dispatch(program: ProgramName, argv: readonly string[], context: ProgramContext): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    await answer('help', byDefault(program), program, context);
    return 1;
  }
  if (first === 'help' || first === 'version') return answer(first, commandOf(rest[0]), program, context);
  const question = first.startsWith('-') ? questionIn([first]) : undefined;
  if (question) return answer(question, byDefault(program), program, context);
  const command = first.startsWith('-') ? byDefault(program) : commandOf(first);
  if (!command) throw unknownCommand(first, program);
  const words = first.startsWith('-') ? argv : rest;
  const asked = questionIn(words);
  if (asked) return answer(asked, command, program, context);
  return (await command.load())(words, context.env);
}

function unknownCommand(word: string, program: ProgramName): ExitError {
  const names = COMMANDS.map(({ name }) => name);
  const hint = `the commands are ${names.join(', ')}; ${program} --help tells of them`;
  if (word.startsWith('-')) {
    return new ExitError('usage', `expected a command before the flags, got ${word.split('=', 1)[0]}`, { hint });
  }
  const meant = nearest(word, [...names, 'help', 'version']) ?? names.find((name) => name.startsWith(word));
  const asked = meant === undefined ? '' : `; did you mean ${meant}?`;
  return new ExitError('usage', `unknown command ${show(word)}${asked}`, { hint });
}

/** What flags alone are for: `sglang-launch FLAGS` is `sglang-launch server FLAGS`. */
function byDefault(program: ProgramName): CommandRow | undefined {
  return program === 'sglang-launch' ? COMMANDS[0] : undefined;
}

async function answer(
  question: Question,
  command: CommandRow | undefined,
  program: ProgramName,
  { env, columns, out }: ProgramContext,
): Promise<number> {
  if (question === 'version') {
    out(`sglang-router ${manifest.version} (node ${process.versions.node})\n`);
    return 0;
  }
  const short = command === undefined || command === byDefault(program);
  const layout = { prog: env.SGLANG_ROUTER_PROG ?? (short ? program : `${program} ${command.name}`), columns };
  out(command ? await helpOf(command, layout, question === 'help' ? 'brief' : 'all') : await overview(layout));
  return 0;
}

async function overview(layout: Layout): Promise<string> {
  const { helpPage } = await import('./help.ts');
  const intro = 'One command turns a box of GPUs into one inference endpoint.';
  const rows = COMMANDS.map(({ name, summary }) => [name, summary] as const);
  const footer = `${layout.prog} COMMAND --help tells of each.`;
  return helpPage({ usage: 'COMMAND [flags]', intro, sections: [{ heading: 'Commands', rows }], footer }, layout, 12);
}

async function helpOf({ name, help, small }: CommandRow, layout: Layout, extent: Extent): Promise<string> {
  if (small) return (await import('./small-command.ts')).smallHelp(await small(), layout);
  const others = COMMANDS.flatMap((command) => (command.name === name ? [] : [command.name]));
  return (await help?.(layout, extent, others)) ?? '';
}

function commandOf(name: string | undefined): CommandRow | undefined {
  return COMMANDS.find((command) => command.name === name || command.aliases.includes(name ?? ''));
}
