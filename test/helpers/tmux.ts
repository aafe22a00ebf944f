import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import getPort from 'get-port';
import { ENGINE, FIXTURES } from '../launch/processes.ts';
import { freePort, ROUTER_COMMAND } from './spawn-router.ts';

const PROGRAM = `${FIXTURES}server-cli.ts`;
/** Real terminals are looked at where tmux is. */
export const options =
  spawnSync('tmux', ['-V']).status === 0 ? {} : { skip: 'tmux is not installed; it shows what a terminal would' };

type Size = readonly [columns: number, rows: number];

/** After that the picture is an error. */
const PATIENCE_MS = 60_000;

let nextPort = 25_400;

/** A launch on a real terminal of so many columns and rows. */
export class TerminalLaunch {
  readonly url: string;
  readonly #socket = join(mkdtempSync(join(tmpdir(), 'tmux-')), 'socket');

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** `after` follows the command, as in ` | cat`. */
  static async open(
    t: TestContext,
    size: Size,
    args: readonly string[],
    { env = {}, after = '' }: { readonly env?: Readonly<Record<string, string>>; readonly after?: string } = {},
  ): Promise<TerminalLaunch> {
    const port = await getPort({ port: nextPort });
    const launch = new TerminalLaunch(port);
    const ports = ['--port', String(port), '--router-dp-worker-base-port', String(nextPort + 1)];
    nextPort += 40;
    const words = [process.execPath, PROGRAM, '--sim', ...ports, '--router-prometheus-port', '0', ...args];
    launch.#run(t, size, `${words.join(' ')}${after}`, env);
    return launch;
  }

  /** A router alone. */
  static async openRouter(t: TestContext, size: Size, args: readonly string[], after = ''): Promise<TerminalLaunch> {
    const port = await freePort();
    const launch = new TerminalLaunch(port);
    const words = [...ROUTER_COMMAND, '--port', String(port), '--prometheus-port', '0', ...args];
    launch.#run(t, size, `${words.join(' ')}${after}`, {});
    return launch;
  }

  /** A command of the shell, with its exit code below it. */
  #run(t: TestContext, [columns, rows]: Size, command: string, env: Readonly<Record<string, string>>): void {
    const all = {
      FIXTURE_PROGRAM: ENGINE,
      XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), 'cache-')),
      CI: '',
      NO_COLOR: '',
      ...env,
    };
    // Not by tmux, which sets TERM itself.
    const variables = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    const size = ['-x', String(columns), '-y', String(rows)];
    const line = `env ${variables.join(' ')} ${command}; echo exit code $?; exec sleep 600`;
    this.#tmux(['-f', '/dev/null', 'new-session', '-d', ...size, line]);
    this.#tmux(['set', '-g', 'status', 'off']);
    t.after(() => {
      // The launch ends with its terminal, and the servers with the launch.
      this.#tmux(['kill-server']);
    });
  }

  /** What can be seen. */
  get screen(): string[] {
    return this.#rows([]);
  }

  /** With what has scrolled off. */
  get everything(): string[] {
    return this.#rows(['-S', '-']);
  }

  /** The same with its colours, as they are sent to terminals. */
  get coloured(): string {
    return this.#tmux(['capture-pane', '-p', '-e', '-S', '-']);
  }

  press(key: string): void {
    this.#tmux(['send-keys', key]);
  }

  resize(columns: number, rows: number): void {
    this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** Resolves with what can be seen when it has the pattern. */
  async shows(pattern: RegExp): Promise<string[]> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const rows = this.screen;
      const text = rows.join('\n');
      if (pattern.test(text)) return rows;
      if (/^exit code /m.test(text) || performance.now() > endMs) throw new Error(`no ${pattern}:\n${text}`);
      await delay(50);
    }
  }

  #rows(more: readonly string[]): string[] {
    return this.#tmux(['capture-pane', '-p', ...more])
      .trimEnd()
      .split('\n');
  }

  #tmux(args: readonly string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8' });
  }
}
