import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contender, installedPeers } from '../../src/bench/contenders.ts';
import { freePorts, Program } from '../../src/bench/program.ts';
import { delay } from './scenario.ts';

const START_MS = 60_000;
/** Ready is who has one worker. */
const SETTLE_MS = 3_000;

/** Another router, that scripts/install-peers has installed. Throws where none begins with that name. */
export function peerNamed(name: string): Contender {
  const peers = installedPeers(process.env);
  const peer = peers.find((one) => one.name.startsWith(name));
  if (peer) return peer;
  const known = peers.map((one) => one.name).join(', ') || 'none: run scripts/install-peers';
  throw new Error(`expected the beginning of the name of another router that is installed (${known}), got ${name}`);
}

/** One in front of workers, with its defaults and these flags. */
export class PeerRouter implements AsyncDisposable {
  readonly url: string;
  readonly #program: Program;
  readonly #scratch: string;

  private constructor(url: string, program: Program, scratch: string) {
    this.url = url;
    this.#program = program;
    this.#scratch = scratch;
  }

  /** Resolves when it is ready, and has had the time that it needs to know them. */
  static async start(peer: Contender, workerUrls: readonly string[], flags: readonly string[]): Promise<PeerRouter> {
    const scratch = await mkdtemp(join(tmpdir(), 'sglang-chaos-'));
    const ports = await freePorts(3);
    const { file, args } = await peer.command({ workers: workerUrls, routers: [], ports, scratch });
    const url = `http://127.0.0.1:${ports[0]}`;
    const router = new PeerRouter(url, new Program(peer.name, file, [...args, ...flags]), scratch);
    try {
      await router.#program.until(() => isReady(url), START_MS);
      await delay(peer.settleMs ?? SETTLE_MS);
      return router;
    } catch (error) {
      await router[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Why it ended by itself; undefined while it runs. */
  get over(): string | undefined {
    return this.#program.over ? `the router ended:\n${this.#program.output}` : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.kill();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

/** No request is sent for it: whose turn it is would be another's then. */
async function isReady(url: string): Promise<true | undefined> {
  const answer = await fetch(`${url}/readiness`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return answer?.ok || undefined;
}
