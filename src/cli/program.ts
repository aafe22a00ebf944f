import manifest from '../../package.json' with { type: 'json' };
import { nearest } from '../config/nearest.ts';
import { type Question, questionIn } from '../config/resolve.ts';
import { show } from '../config/values.ts';
import { ExitError } from '../errors/errors.ts';
import type { Layout } from './help.ts';
import { type ErrorOutput, report } from './report.ts';
import type { SmallCommand } from './small-command.ts';

/** What the program runs with, so that tests can stand in for it. */
export interface Terminal extends ErrorOutput {
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
  /** Its help; undefined where the command prints that itself. */
  readonly help?: (layout: Layout) => Promise<string>;
}

const COMMANDS: readonly CommandRow[] = [
  {
    name: 'server',
    aliases: [],
    summary: 'start SGLang servers, or simulated engines, and route requests to them',
    load: async () => (await import('./server.ts')).runServer,
    help: async (layout) => (await import('./help.ts')).serverHelp(layout),
  },
  {
    name: 'router',
    aliases: ['launch'],
    summary: 'route requests to servers that run already',
    load: async () => (await import('./router.ts')).runRouter,
    help: async (layout) => (await import('./help.ts')).routerHelp(layout),
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
  },
  {
    name: 'bench',
    aliases: [],
    summary: 'measure how requests are spread over servers, beside other routers',
    load: async () => (await import('./bench.ts')).runBenchCommand,
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
export async function runProgram(program: ProgramName, argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(program, argv, terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

async function dispatch(program: ProgramName, argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    terminal.out(await overview(program, terminal));
    return 1;
  }
  if (first === 'help' || first === 'version') return answer(first, program, rest, terminal);
  const question = first.startsWith('-') ? questionIn([first]) : undefined;
  if (question) return answer(question, program, [], terminal);
  const isDefault = first.startsWith('-') && program === 'sglang-launch';
  const command = isDefault ? COMMANDS[0] : commandOf(first);
  if (!command) throw unknownCommand(first, program);
  const words = isDefault ? argv : rest;
  const asked = command.help || command.small ? questionIn(words) : undefined;
  if (asked) return answer(asked, program, [command.name], terminal);
  return (await command.load())(words, terminal.env);
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

async function answer(question: Question, program: ProgramName, about: readonly string[], terminal: Terminal) {
  if (question === 'version') {
    terminal.out(`sglang-router ${manifest.version} (node ${process.versions.node})\n`);
    return 0;
  }
  const command = commandOf(about[0]);
  const layout = {
    prog: terminal.env.SGLANG_ROUTER_PROG ?? `${program} ${command?.name}`,
    columns: terminal.columns,
  };
  const text = command ? await helpOf(command, layout) : await overview(program, terminal);
  if (command && text === undefined) return (await command.load())(['--help'], terminal.env);
  terminal.out(text ?? '');
  return 0;
}

async function overview(program: ProgramName, { env, columns }: Terminal): Promise<string> {
  const { programHelp } = await import('./help.ts');
  return programHelp({ prog: env.SGLANG_ROUTER_PROG ?? program, columns }, COMMANDS);
}

/** Undefined where the command prints it itself. */
async function helpOf({ help, small }: CommandRow, layout: Layout): Promise<string | undefined> {
  if (!small) return help?.(layout);
  return (await import('./small-command.ts')).smallHelp(await small(), layout);
}

function commandOf(name: string | undefined): CommandRow | undefined {
  return COMMANDS.find((command) => command.name === name || command.aliases.includes(name ?? ''));
}
