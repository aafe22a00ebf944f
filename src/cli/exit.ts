import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';

/** Signals that end a command in order; SIGHUP is what a closed terminal sends. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/** What the first signal and those after it do. */
interface SignalHandlers {
  first(signal: StopSignal): void;
  again(signal: StopSignal): void;
}

/** How a running command ends on a signal. */
export interface Stopping {
  /** Orderly: what is in flight is finished, then everything is stopped. */
  drain(): Promise<void>;
  /** A second signal came: everything ends now, in well under a second. */
  abort(): void | Promise<void>;
}

/** Where signals come from; the process itself, or a test's stand-in. */
type SignalSource = Pick<EventEmitter, 'on' | 'off'>;

/** Set by the Python package when it was started under `nohup`: Node itself undoes that for the programs it runs. */
const NOHUP = 'SGLANG_ROUTER_NOHUP';

/** One Ctrl-C comes twice through npx: from the terminal and passed on by npm, a few milliseconds later. */
const SAME_SIGNAL_MS = 100;

/** Listens for the stop signals until the returned function is called. */
export function onSignals(
  handlers: SignalHandlers,
  source: SignalSource = process,
  now: () => number = () => performance.now(),
): () => void {
  let seen: { signal: StopSignal; atMs: number } | undefined;
  const listen = (signal: StopSignal) => {
    if (signal === 'SIGHUP' && process.env[NOHUP]) return;
    if (seen === undefined) {
      seen = { signal, atMs: now() };
      handlers.first(signal);
    } else if (signal !== seen.signal || now() - seen.atMs > SAME_SIGNAL_MS) handlers.again(signal);
  };
  for (const signal of STOP_SIGNALS) source.on(signal, listen);
  return () => {
    for (const signal of STOP_SIGNALS) source.off(signal, listen);
  };
}

/**
 * Lets `work` run until it ends by itself or a signal comes. Resolves with the exit code: that of `work`, 0 after a
 * drain, 128 + the signal's number after a second signal; rejects as `work` or the drain does.
 */
export async function runUntilSignal(
  stopping: Stopping,
  work: Promise<number> = new Promise(() => {}),
  source: SignalSource = process,
  now?: () => number,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  // Only the last thing asked for counts: what was asked before ends too, as a consequence of it.
  let asked = 0;
  const outcome = (ending: Promise<number>) => {
    const mine = ++asked;
    void ending.then(
      (code) => mine === asked && resolve(code),
      (error) => mine === asked && reject(error),
    );
  };
  outcome(work);
  const dispose = onSignals(
    {
      first: () => outcome(stopping.drain().then(() => 0)),
      again: (signal) => outcome(Promise.resolve(stopping.abort()).then(() => 128 + constants.signals[signal])),
    },
    source,
    now,
  );
  try {
    return await promise;
  } finally {
    dispose();
  }
}
