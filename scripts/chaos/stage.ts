import { type RouterProcess, spawnRouter } from '../../test/helpers/spawn-router.ts';
import { Engine } from './engine.ts';

/** A worker as `GET /workers` tells of it. */
export interface WorkerRow {
  readonly url: string;
  readonly load: number;
  readonly is_healthy: boolean;
}

/** The processes of one scenario; all end with it. */
export class Stage implements AsyncDisposable {
  readonly #ends: (() => Promise<unknown>)[] = [];

  /** Starts so many engines. */
  engines(count: number, flags: readonly string[] = []): Promise<Engine[]> {
    return Promise.all(Array.from({ length: count }, () => this.engine(flags)));
  }

  async engine(flags: readonly string[] = []): Promise<Engine> {
    const engine = await Engine.start(flags);
    this.#ends.push(() => engine.kill());
    return engine;
  }

  /** Starts a router before these workers; resolves when one of them is ready. */
  async router(workerUrls: readonly string[], flags: readonly string[] = []): Promise<Router> {
    const own = ['--max-concurrent-requests', '-1', '--log-level', 'info'];
    const router = await spawnRouter([...own, ...flags, '--worker-urls', ...workerUrls]);
    this.use(router);
    return new Router(router);
  }

  /** Starts a router before servers in pairs; resolves when all of them are ready. */
  async pairRouter(
    prefills: readonly Engine[],
    decodes: readonly Engine[],
    flags: readonly string[] = [],
  ): Promise<Router> {
    const servers = [
      ...prefills.flatMap(({ url, bootstrapPort }) => ['--prefill', url, String(bootstrapPort)]),
      ...decodes.flatMap(({ url }) => ['--decode', url]),
    ];
    const own = ['--pd-disaggregation', '--max-concurrent-requests', '-1', '--log-level', 'info'];
    const router = new Router(this.use(await spawnRouter([...own, ...servers, ...flags])));
    await router.until('all ready', (rows) => rows.every((row) => row.is_healthy), 15_000);
    return router;
  }

  /** Ends this with the stage. */
  use<T extends AsyncDisposable>(one: T): T {
    this.#ends.push(async () => one[Symbol.asyncDispose]());
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
  }
}

/** The router under test, and what can be asked of it from outside. */
export class Router {
  readonly url: string;
  readonly pid: number;
  readonly #process: RouterProcess;
  over: string | undefined;

  constructor(router: RouterProcess) {
    this.#process = router;
    this.url = router.url;
    this.pid = router.child.pid as number;
    void router.exited.then(({ code, signal }) => {
      this.over = `the router ended with ${code ?? signal}:\n${router.lines.slice(-20).join('\n')}`;
    });
  }

  /** The last lines that it has logged. */
  get lines(): readonly string[] {
    return this.#process.lines;
  }

  async workers(): Promise<readonly WorkerRow[]> {
    const answer = await fetch(`${this.url}/workers`);
    return ((await answer.json()) as { workers: WorkerRow[] }).workers;
  }

  /** The sum of a metric's samples. */
  async metric(name: string): Promise<number> {
    const lines = (await (await fetch(`${this.url}/metrics`)).text()).split('\n');
    const samples = lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Resolves when the condition holds of its workers; throws after `withinMs`. */
  async until(what: string, condition: (rows: readonly WorkerRow[]) => boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const rows = await this.workers();
      if (condition(rows)) return;
      if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms: ${JSON.stringify(rows)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** `POST /add_worker` or `/remove_worker`, as the manual has it. */
  async change(verb: 'add_worker' | 'remove_worker', workerUrl: string): Promise<void> {
    const answer = await fetch(`${this.url}/${verb}?url=${workerUrl}`, { method: 'POST' });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${verb} ${workerUrl}: ${answer.status} ${text}`);
  }
}
