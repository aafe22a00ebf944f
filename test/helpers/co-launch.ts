import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import getPort from 'get-port';
import { killTree } from '../../src/os/kill-tree.ts';
import { ENGINE, FIXTURES, Program } from '../launch/processes.ts';

/** The line for scripts, with its JSON. */
export const READY = /^READY (.*)$/m;

/** Not that of whoever runs the tests. */
const CACHE = mkdtempSync(join(tmpdir(), 'cache-'));

/** In the environment: simulated engines in place of the fixtures. */
export const SIMULATED = { FIXTURE_PROGRAM: fileURLToPath(new URL('../../src/main.ts', import.meta.url)) };

/** Starts `server` commands as processes with fixture engines, two unless `servers` says otherwise, from `basePort` on upward. */
export function coLauncher(basePort: number, servers: readonly string[] = ['--dp-size', '2']) {
  let nextPort = basePort;
  return async (t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const port = await getPort({ port: nextPort });
    const all = [...servers, '--port', String(port), '--router-dp-worker-base-port', String(nextPort + 1)];
    nextPort += 20;
    // Node raises the limit to what it may be: the hard one is lowered.
    const limited = ['-c', 'test -z "$FIXTURE_FILES" || ulimit -n "$FIXTURE_FILES"; exec "$@"', 'sh', process.execPath];
    const program = new Program('/bin/sh', [...limited, `${FIXTURES}server-cli.ts`, ...all, ...args], {
      env: {
        FIXTURE_PROGRAM: ENGINE,
        SGLANG_ROUTER_LOG_FORMAT: 'text',
        SGLANG_ROUTER_PROMETHEUS_PORT: '0',
        XDG_CACHE_HOME: CACHE,
        ...env,
      },
    });
    t.after(async () => {
      program.process.kill('SIGKILL');
      await Promise.all(program.pids().map((pid) => killTree({ pid })));
    });
    return { program, port, url: `http://127.0.0.1:${port}` };
  };
}

export const sim = (...args: string[]) => ['--sim', ...args];

export const ask = (url: string, path = '/generate') =>
  fetch(`${url}${path}`, { method: 'POST', body: '{"text":"hello"}' });
