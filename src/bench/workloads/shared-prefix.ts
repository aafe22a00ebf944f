import { arriving, type Session, segment, single } from '../prompt.ts';
import { Random } from '../random.ts';
import type { Load, Workload, WorkloadOptions } from './workload.ts';

/** Groups of prompts that share a beginning, and how they arrive. */
interface Shape {
  readonly groups: number;
  readonly prompts: number;
  readonly systemTokens: number;
  readonly questionTokens: number;
  readonly outputTokens: number;
  readonly perSec: number;
  readonly maxConcurrency: number;
}

const AT_ONCE = Number.POSITIVE_INFINITY;

/** SGLang's generated-shared-prefix, with its defaults but for shorter answers. */
const GSP: Shape = {
  groups: 64,
  prompts: 16,
  systemTokens: 2048,
  questionTokens: 128,
  outputTokens: 32,
  perSec: AT_ONCE,
  maxConcurrency: AT_ONCE,
};

/** Memory of one engine for about a quarter of what its share of the groups would need. */
const SMALL_CACHE = ['--max-total-tokens', '32768'];
const SLOW = ['--sim-slow-factor', '3'];

export const SHARED_PREFIX_WORKLOADS: readonly Workload[] = [
  workload('gsp', "SGLang's generated-shared-prefix: 64 prompts of 2,048 tokens × 16 questions, all at once", GSP),
  workload('gsp-rate', '100 prompts of 3,000 tokens × 5 questions of 600, 16 a second', {
    ...GSP,
    ...{ groups: 100, prompts: 5, systemTokens: 3000, questionTokens: 600, perSec: 16 },
  }),
  workload('hot-prefix', 'one prompt of 2,048 tokens before every question, 32 clients', {
    ...GSP,
    ...{ groups: 1, prompts: 640, maxConcurrency: 32 },
  }),
  workload('cold', 'nothing shared: 400 prompts of 1,500 tokens, 32 clients', {
    ...GSP,
    ...{ groups: 400, prompts: 1, systemTokens: 0, questionTokens: 1500, maxConcurrency: 32 },
  }),
  workload(
    'slow-worker',
    '64 prompts × 10 questions, 48 clients, one engine three times as slow',
    { ...GSP, prompts: 10, maxConcurrency: 48 },
    { engineFlags: (index) => (index === 0 ? SLOW : []) },
  ),
  workload(
    'small-cache',
    '160 prompts × 5 questions, 48 clients, KV memory too small for them and one engine three times as slow',
    { ...GSP, groups: 160, prompts: 5, maxConcurrency: 48 },
    { engineFlags: (index) => (index === 0 ? [...SMALL_CACHE, ...SLOW] : SMALL_CACHE) },
  ),
  workload(
    'worker-killed',
    '64 prompts × 10 questions, 48 clients, one engine killed after 40 % of them',
    { ...GSP, prompts: 10, maxConcurrency: 48 },
    { killAtShare: 0.4 },
  ),
];

function workload(name: string, about: string, shape: Shape, more: Partial<Load> = {}): Workload {
  return {
    name,
    about,
    build(options) {
      const { maxConcurrency, ...wanted } = { ...shape, ...given(options) };
      return { api: 'generate', sessions: sharedPrefix(options, wanted), maxConcurrency, ...more };
    },
  };
}

/** Groups are mixed: prompts of one group do not follow each other. */
function sharedPrefix({ seed, scale }: WorkloadOptions, shape: Omit<Shape, 'maxConcurrency'>): Session[] {
  const { groups, prompts, systemTokens, questionTokens, outputTokens, perSec } = shape;
  const random = new Random(seed);
  const scaledPrompts = Math.max(1, Math.round(prompts * scale));
  const scaledGroups = prompts > 1 ? groups : Math.max(1, Math.round(groups * scale));
  const sessions = Array.from({ length: scaledGroups }, (_, group) => {
    const system = systemTokens > 0 ? [segment(seed, `group ${group}`, systemTokens)] : [];
    return Array.from({ length: scaledPrompts }, (_, prompt) =>
      single(system, segment(seed, `question ${group}.${prompt}`, questionTokens), outputTokens),
    );
  });
  return arriving(random.shuffled(sessions.flat()), perSec, random);
}

function given(options: WorkloadOptions): Partial<Shape> {
  const named = {
    groups: options.gspNumGroups,
    prompts: options.gspPromptsPerGroup,
    systemTokens: options.gspSystemPromptLen,
    questionTokens: options.gspQuestionLen,
    outputTokens: options.gspOutputLen,
    perSec: options.requestRate,
    maxConcurrency: options.maxConcurrency,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
