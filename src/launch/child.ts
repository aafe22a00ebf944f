import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { killTree, stopTree } from '../os/kill-tree.ts';
import { ownerMark } from './owner-mark.ts';
import type { Command } from './plan.ts';

/** How a process ended. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'not started'; readonly problem: string };

/** Grandchildren may hold the output open after their parent's end; the last lines come sooner than this. */
const LAST_OUTPUT_MS = 300;

/** One server process: leader of its own group and session, so that Ctrl-C reaches us alone. */
export class Child {
  readonly pid: number | undefined;
  /** Settles when the process has ended and its last output was read. */
  readonly exited: Promise<Exit>;
  readonly #gone: Promise<Exit>;

  constructor(command: Command, onOutput: (chunk: Uint8Array) => void) {
    const subprocess = execa(command.file, command.args, {
      env: { ...command.env, ...ownerMark() },
      // The pipe is never written: its end tells the process that we are gone, however we ended.
      stdin: 'pipe',
      buffer: false,
      reject: false,
      killDescendants: true,
      forceKillAfterDelay: false,
    });
    const process = subprocess.nodeChildProcess;
    this.pid = subprocess.pid;
    process.stdin?.on('error', () => {});
    process.stdout?.on('data', onOutput);
    process.stderr?.on('data', onOutput);
    this.#gone = new Promise((resolve) => {
      process.once('error', (error) => resolve({ kind: 'not started', problem: error.message }));
      // Without files or processes left (EMFILE, EAGAIN) there is no event.
      void subprocess.then(({ originalMessage = 'unknown' }) => {
        if (this.pid === undefined) resolve({ kind: 'not started', problem: originalMessage });
      });
      process.once('exit', (code, signal) =>
        resolve(code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'code', code }),
      );
    });
    const closed = new Promise((resolve) => process.once('close', resolve));
    this.exited = this.#gone.then(async (exit) => {
      await Promise.race([closed, subprocess, delay(LAST_OUTPUT_MS)]);
      return exit;
    });
  }

  /** Ends it and everything it started; resolves with the pids that could not be ended. */
  async stop(graceMs: number): Promise<number[]> {
    return this.pid === undefined ? [] : stopTree({ pid: this.pid, exited: this.#gone }, graceMs);
  }

  /** Ends it and everything it started at once. */
  async kill(): Promise<number[]> {
    return this.pid === undefined ? [] : killTree({ pid: this.pid });
  }
}

/** `exit code 1`, `killed by SIGKILL`, `could not be started: spawn python3 ENOENT`. */
export function describeExit(exit: Exit): string {
  if (exit.kind === 'code') return `exit code ${exit.code}`;
  return exit.kind === 'signal' ? `killed by ${exit.signal}` : `could not be started: ${exit.problem}`;
}
