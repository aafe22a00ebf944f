import { arriving, type Session, segment } from '../prompt.ts';
import { Random } from '../random.ts';
import type { Load, Workload, WorkloadOptions } from './workload.ts';

/** Conversations that all begin with the same prompt, as those of agents with one set of tools do. */
interface Shape {
  readonly sessions: number;
  readonly turns: number;
  readonly systemTokens: number;
  /** Median of what a turn adds: a question or the output of a tool. */
  readonly turnTokens: number;
  readonly outputTokens: number;
  readonly pauseMs: number;
  readonly maxConcurrency: number;
}

const AGENTS: Shape = {
  sessions: 96,
  turns: 8,
  systemTokens: 2000,
  turnTokens: 100,
  outputTokens: 48,
  pauseMs: 100,
  maxConcurrency: 32,
};

/** Agents read long things now and then. */
const TURN_SIGMA = 0.6;

export const AGENT_WORKLOADS: readonly Workload[] = [
  workload('agents', '96 conversations of 8 turns, one common prompt of 2,000 tokens, 32 clients', AGENTS),
  workload(
    'agents-small-cache',
    '96 conversations of 8 longer turns, 48 clients, KV memory too small for them all',
    { ...AGENTS, turnTokens: 400, maxConcurrency: 48 },
    { engineFlags: () => ['--max-total-tokens', '16384'] },
  ),
];

function workload(name: string, about: string, shape: Shape, more: Partial<Load> = {}): Workload {
  return {
    name,
    about,
    build: (options) => ({
      api: 'chat',
      sessions: conversations(options, shape),
      maxConcurrency: options.maxConcurrency ?? shape.maxConcurrency,
      ...more,
    }),
  };
}

function conversations({ seed, scale, requestRate }: WorkloadOptions, shape: Shape): Session[] {
  const random = new Random(seed);
  const system = [segment(seed, 'system', shape.systemTokens)];
  const count = Math.max(1, Math.round(shape.sessions * scale));
  const sessions = Array.from({ length: count }, (_, session) => ({
    system,
    startMs: 0,
    turns: Array.from({ length: shape.turns }, (_, turn) => {
      const tokens = Math.ceil(random.lognormal(shape.turnTokens, TURN_SIGMA));
      return {
        added: [segment(seed, `turn ${session}.${turn}`, tokens)],
        outputTokens: shape.outputTokens,
        pauseMs: turn === 0 ? 0 : random.exponential(shape.pauseMs),
      };
    }),
  }));
  return arriving(sessions, requestRate ?? Number.POSITIVE_INFINITY, random);
}
