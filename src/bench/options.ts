import { didYouMean } from '../config/nearest.ts';
import { ExitError } from '../errors/errors.ts';
import { commas, list, number, type Option, own, rate, text, toggle } from './option.ts';
import { isAsked, type Question, readQuestion } from './what-if/question.ts';
import { WORKLOADS } from './workloads/index.ts';
import type { WorkloadOptions } from './workloads/workload.ts';

const names = WORKLOADS.map(({ name }) => name);

/** Every flag of `bench`, once. The names that SGLang's bench_serving has mean the same here. */
export const BENCH_OPTIONS = {
  workloads: list('--workload', 'NAME,…', `workloads to run, or all: ${names.join(', ')}`, ['gsp'], readWorkloads),
  policies: list('--policy', 'NAME,…', 'policies of our router, measured one after the other', ['cache_aware']),
  routers: list(
    '--routers',
    'N,…',
    'so many routers before the same engines; requests go to them in turn',
    [1],
    readCounts,
  ),
  engines: number('--engines', 'N', 'simulated engines', 8, 1),
  routerArgs: list('--router-args', '"FLAGS"', 'further flags of our router, in one word', [], (word) =>
    word.split(/\s+/).filter(Boolean),
  ),
  url: text('--url', 'URL', 'measure this server instead of simulated engines'),
  model: text('--model', 'NAME', 'model to name in requests to --url; the first of its /v1/models if not given'),
  apiKey: text('--api-key', 'KEY', 'key for --url'),
  flushCache: toggle('--flush-cache', 'POST /flush_cache to --url before each run'),

  seed: number('--seed', 'N', 'the same seed gives the same prompts at the same times', 1, 0),
  scale: number('--scale', 'X', 'this many times the requests or conversations: 0.1 for a short try', 1, 0.001, false),
  requestRate: rate('--request-rate', 'requests or conversations that start in a second, at random; inf: at once'),
  maxConcurrency: own('--max-concurrency', 'requests or conversations under way at once, at most'),
  gspNumGroups: own('--gsp-num-groups', 'prompts that questions share'),
  gspPromptsPerGroup: own('--gsp-prompts-per-group', 'questions to each'),
  gspSystemPromptLen: own('--gsp-system-prompt-len', 'tokens of a shared prompt', 0),
  gspQuestionLen: own('--gsp-question-len', 'tokens of a question'),
  gspOutputLen: own('--gsp-output-len', 'tokens of an answer'),
  traceFile: text(
    '--trace-file',
    'FILE',
    "in place of a workload: what a router has recorded with --record-trace, or a trace in Mooncake's format",
  ),
  calibrate: text(
    '--calibrate',
    'URL',
    'measure this engine first: simulated ones then have its speed and KV cache. Alone it prints them; --out keeps them',
  ),

  sloTtftMs: number('--slo-ttft-ms', 'MS', 'goodput counts answers whose first token came within this time', 2000, 1),
  sloItlMs: number('--slo-itl-ms', 'MS', 'and whose tokens came at this distance on average', 100, 1),
  warmupRequests: number('--warmup-requests', 'N', 'requests before the clock runs', 32, 0),
  timeoutSecs: number('--timeout-secs', 'SECS', 'a request that takes longer has failed', 300, 1),
  repeat: number('--repeat', 'N', 'run everything this often; the table shows the run with the median makespan', 1, 1),
  out: text('--out', 'FOLDER', 'write bench.json and bench.html there'),
  help: toggle('--help', 'print this and exit'),
} as const satisfies Record<string, Option>;

type Table = typeof BENCH_OPTIONS;
type Values = { readonly [K in keyof Table]: Table[K] extends Option<infer T> ? T : never };

/** What a command line says. */
export interface BenchOptions extends Values {
  /** The other routers: none, all that are installed, or those whose names begin so. */
  readonly peers: 'none' | 'all' | readonly string[];
  /** Fleets that are computed instead of run. */
  readonly whatIf: Question | undefined;
  readonly engineFlags: readonly string[];
}

/** Flags of simulated engines that are passed on, as all that begin with --sim-. */
const ENGINE_FLAGS = [
  ...['--max-total-tokens', '--page-size', '--max-running-requests', '--chunked-prefill-size'],
  ...['--enable-mixed-chunk', '--context-length'],
];
const PEERS = [
  '--peers [NAME,…]',
  'other routers beside ours, in the same run: all that scripts/install-peers has installed, or those named',
] as const;
const WHAT_IF = [
  '--what-if [workers=N,…] [policy=NAME,…]',
  'what these fleets would give, each number of workers with each policy: computed, in much less time than it would take',
] as const;

/** Reads a command line; throws ExitError('usage') that says what was expected. */
export function parseBenchOptions(argv: readonly string[]): BenchOptions {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries<Option>(BENCH_OPTIONS)) values[key] = option.default;
  let peers: BenchOptions['peers'] = 'none';
  let whatIf: BenchOptions['whatIf'];
  let last = '';
  const engineFlags: string[] = [];
  const words = argv.flatMap((word) => (/^--[\w-]+=/.test(word) ? splitAtEquals(word) : [word]));
  while (words.length > 0) {
    const flag = words.shift() as string;
    const found = Object.entries<Option>(BENCH_OPTIONS).find(
      ([, option]) => option.flag === flag || isHelp(flag, option),
    );
    if (flag === '--peers') peers = words[0] && !words[0].startsWith('-') ? commas(words.shift() ?? '') : 'all';
    else if (flag === '--what-if') whatIf = readWhatIf(words);
    else if (found) values[found[0]] = read(found[1], words);
    else if (flag.startsWith('--sim-') || ENGINE_FLAGS.includes(flag)) {
      engineFlags.push(flag);
      while (words[0] && !words[0].startsWith('--')) engineFlags.push(words.shift() ?? '');
    } else throw unknown(flag, last);
    last = flag;
  }
  return check({ ...(values as unknown as Values), peers, whatIf, engineFlags });
}

/** Each flag with its value, and what it does. */
export function benchFlags(): readonly (readonly [flag: string, text: string])[] {
  const rows = Object.values<Option>(BENCH_OPTIONS).map(({ flag, metavar, help, default: fallback }) => {
    const has = fallback !== undefined && metavar !== undefined && String(fallback) !== '';
    return [
      metavar === undefined ? flag : `${flag} ${metavar}`,
      `${help}${has ? ` (default: ${fallback})` : ''}`,
    ] as const;
  });
  return [...rows, PEERS, WHAT_IF, [`${ENGINE_FLAGS.join(', ')}, --sim-…`, 'go to the simulated engines as they are']];
}

/** What the workloads need of the options. */
export function workloadOptions(options: BenchOptions): WorkloadOptions {
  return options;
}

function unknown(word: string, last: string): ExitError {
  const hint = 'bench --help lists all flags';
  if (last === BENCH_OPTIONS.apiKey.flag) return new ExitError('usage', `${last} takes one value, got more`, { hint });
  if (!/^\p{Dash}/u.test(word)) return new ExitError('usage', `expected a flag, got '${word}'`, { hint });
  const flags = [
    ...Object.values<Option>(BENCH_OPTIONS).map(({ flag }) => flag),
    '--peers',
    '--what-if',
    ...ENGINE_FLAGS,
  ];
  return new ExitError('usage', `unknown flag ${word}${didYouMean(word, flags)}`, { hint });
}

function check(options: BenchOptions): BenchOptions {
  const { url, calibrate, whatIf, peers, engineFlags, routers, workloads, traceFile } = options;
  const several = peers !== 'none' || routers.some((n) => n > 1);
  const starts = several || engineFlags.length > 0 || calibrate !== undefined || whatIf !== undefined;
  if (url !== undefined && starts) {
    const message =
      '--url measures one running server: --peers, --routers, --what-if, --calibrate and flags of engines do not go with it';
    throw new ExitError('usage', message);
  }
  if (whatIf && several) {
    throw new ExitError(
      'usage',
      '--what-if computes fleets behind one router: --peers and --routers do not go with it',
    );
  }
  for (const [flag, value] of [['--url', url] as const, ['--calibrate', calibrate] as const]) {
    if (value === undefined || /^http:\/\//.test(value)) continue;
    throw new ExitError('usage', `${flag}: expected an address that starts with http://, got '${value}'`);
  }
  // What was said before there was a workload of that name.
  const isTrace = workloads === BENCH_OPTIONS.workloads.default || workloads.join() === 'mooncake';
  if (traceFile !== undefined && !isTrace) {
    throw new ExitError('usage', '--trace-file is sent in place of a workload: --workload does not go with it');
  }
  return options;
}

/** Whether there is nothing to do but to calibrate. */
export function onlyCalibrates({ calibrate, workloads, traceFile, whatIf }: BenchOptions): boolean {
  const nothingElse = workloads === BENCH_OPTIONS.workloads.default && traceFile === undefined && !whatIf;
  return calibrate !== undefined && nothingElse;
}

function readWhatIf(words: string[]): Question {
  const asked: string[] = [];
  while (isAsked(words[0])) asked.push(words.shift() as string);
  try {
    return readQuestion(asked);
  } catch (error) {
    throw new ExitError('usage', `--what-if: ${(error as Error).message}`);
  }
}

function read(option: Option, words: string[]): unknown {
  if (option.metavar === undefined) return true;
  const word = words.shift();
  if (word === undefined) throw new ExitError('usage', `${option.flag}: expected a value, got nothing`);
  if (word === '') throw new ExitError('usage', `${option.flag}: expected a value, got an empty one`);
  try {
    return option.parse(word);
  } catch (error) {
    throw new ExitError('usage', `${option.flag}: ${(error as Error).message}, got '${word}'`);
  }
}

function isHelp(word: string, { flag }: Option): boolean {
  return word === '-h' && flag === '--help';
}

function splitAtEquals(word: string): string[] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}

function readWorkloads(word: string): readonly string[] {
  if (word === 'all') return names;
  const wanted = commas(word);
  const wrong = wanted.find((name) => !names.includes(name));
  if (wrong === undefined && wanted.length > 0) return wanted;
  throw new Error(`expected all or some of ${names.join(', ')}${wrong ? didYouMean(wrong, names) : ''}`);
}

function readCounts(word: string): readonly number[] {
  const counts = commas(word).map(Number);
  if (counts.length > 0 && counts.every((count) => Number.isSafeInteger(count) && count >= 1)) return counts;
  throw new Error('expected whole numbers of at least 1');
}
