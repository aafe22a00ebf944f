import { setTimeout as delay } from 'node:timers/promises';
import type { SimOptions } from './options.ts';
import { PHASES, type Phase } from './phases.ts';

/** How the start-up time is spread; about what a mid-sized model on a GPU shows. */
const SHARES: Readonly<Record<Phase, number>> = { weights: 0.6, 'kv-cache': 0.05, 'cuda-graphs': 0.25, 'warm-up': 0.1 };

/** Steps that the weights are shown to load in. */
const SHARDS = 4;

interface StartupDeps {
  readonly options: SimOptions;
  /** Writes a log line. */
  readonly say: (line: string) => void;
  /** Binds the port, with which the last phase begins, and resolves to it. Throws where it cannot. */
  readonly listen: () => Promise<number>;
}

/** Goes through the phases of a real server with its log lines. Resolves to false where it was told to fail on the way. */
export async function startUp({ options, say, listen }: StartupDeps): Promise<boolean> {
  for (const phase of PHASES) {
    const port = phase === 'warm-up' ? await listen() : options.port;
    const seconds = options.startupPhases?.get(phase) ?? options.startupSecs * SHARES[phase];
    const lines = phaseLines(phase, seconds, { ...options, port });
    for (const [i, line] of lines.entries()) {
      const last = i === lines.length - 1;
      if (last && phase === options.startupFail) return outOfMemory(say);
      say(line);
      if (!last) await delay((seconds * 1000) / (lines.length - 1));
    }
  }
  return true;
}

/** The lines of a phase; its time passes between them. */
function phaseLines(phase: Phase, seconds: number, options: SimOptions): readonly string[] {
  const tokens = options.maxTotalTokens;
  if (phase === 'weights') {
    const shards = Array.from({ length: SHARDS }, (_, i) => shardLine(i + 1, seconds));
    const end = `Load weight end. elapsed=${seconds.toFixed(2)} s, type=SimulatedForCausalLM, avail mem=0.00 GB, mem usage=0.00 GB.`;
    return ['Load weight begin. avail mem=0.00 GB', ...shards, end];
  }
  if (phase === 'kv-cache') {
    return [
      `KV Cache is allocated. dtype: simulated, #tokens: ${tokens}, K size: 0.00 GB, V size: 0.00 GB`,
      'Memory pool end. avail mem=0.00 GB',
    ];
  }
  if (phase === 'cuda-graphs') {
    return [
      'Capture decode CUDA graph begin. backend=simulated, num_tokens=[], avail mem=0.00 GB',
      `Capture decode CUDA graph end. elapsed=${seconds.toFixed(2)} s, mem usage=0.00 GB, avail mem=0.00 GB.`,
      `max_total_num_tokens=${tokens}, chunked_prefill_size=${options.chunkedPrefillSize}, ` +
        `max_running_requests=${options.maxRunningRequests}, context_len=${options.contextLength}`,
    ];
  }
  return [
    `INFO:     Uvicorn running on http://${options.host}:${options.port} (Press CTRL+C to quit)`,
    'The server is fired up and ready to roll!',
  ];
}

function shardLine(done: number, seconds: number): string {
  const percent = (done / SHARDS) * 100;
  return `Multi-thread loading shards: ${percent.toFixed(0).padStart(3)}% Completed | ${done}/${SHARDS} [${(seconds * (done / SHARDS)).toFixed(2)}s]`;
}

function outOfMemory(say: (line: string) => void): false {
  say('Scheduler hit an exception: Traceback (most recent call last):');
  say('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. (simulated: --sim-startup-fail)');
  return false;
}
