import { type Counters, difference, readCounters } from './counters.ts';
import { Program } from './program.ts';

const START_MS = 60_000;

/** The simulated engines of one run, each a process of its own with an empty cache. */
export class Engines {
  readonly urls: readonly string[];
  readonly #programs: readonly Program[];
  #before: readonly (Counters | undefined)[] = [];
  /** What a killed engine had counted. */
  readonly #last = new Map<number, Counters | undefined>();

  private constructor(urls: readonly string[], programs: readonly Program[]) {
    this.urls = urls;
    this.#programs = programs;
  }

  /** Starts `count` engines of the program `sim-engine` is a command of, and waits until all serve. */
  static async start(program: string, count: number, flags: (index: number) => readonly string[]): Promise<Engines> {
    const own = ['sim-engine', '--port', '0', '--enable-metrics', '--enable-cache-report'];
    const programs = Array.from(
      { length: count },
      (_, i) => new Program(`simulated engine ${i}`, process.execPath, [program, ...own, ...flags(i)]),
    );
    try {
      const urls = await Promise.all(programs.map((one) => one.until(() => addressIn(one.output), START_MS)));
      return new Engines(urls, programs);
    } catch (error) {
      await Promise.all(programs.map((one) => one.kill()));
      throw error;
    }
  }

  /** From now on is counted. */
  async mark(): Promise<void> {
    this.#before = await Promise.all(this.urls.map(readCounters));
  }

  /** What each engine has counted since the mark. */
  async counted(): Promise<(Counters | undefined)[]> {
    const after = await Promise.all(
      this.urls.map((url, i) => (this.#last.has(i) ? this.#last.get(i) : readCounters(url))),
    );
    return after.map((counters, i) => {
      const before = this.#before[i];
      return counters && before ? difference(counters, before) : counters;
    });
  }

  /** Ends an engine as a crash would; what it had counted is kept. */
  async kill(index: number): Promise<void> {
    this.#last.set(index, await readCounters(this.urls[index] as string));
    await this.#programs[index]?.kill();
  }

  /** Its end needs no grace: all requests are over. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
  }
}

function addressIn(output: string): string | undefined {
  return output.includes('ready to roll') ? /Uvicorn running on (http\S+)/.exec(output)?.[1] : undefined;
}
