import { connect, type Socket } from 'node:net';
import { recordingWorker } from '../../../test/helpers/recording-worker.ts';
import { cpuSecs, descriptors, rssKb } from '../gauges.ts';
import { delay, type Scenario, seconds } from '../scenario.ts';

const STREAMS = 5_000;
const WARM_UP = 200;
const IDLE_MS = 10_000;
const EVENT = 'data: {"text":"still here"}\n\n';
const FRAME = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const BODY = '{"text":"a prompt of some length","stream":true}';
const ASK = `POST /generate HTTP/1.1\r\nhost: x\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

export const idleStreams: Scenario = {
  about: '5,000 idle streams: what one costs in memory, and all together in CPU; all go on and end as they should',
  run: async (stage, { say }) => {
    const calls: Socket[] = [];
    const workers = await Promise.all(
      [0, 1, 2, 3].map(() =>
        recordingWorker((_, socket) => {
          calls.push(socket);
          socket.write(HEAD + FRAME);
        }),
      ),
    );
    for (const worker of workers) stage.use(worker);
    const flags = ['--policy', 'round_robin', '--stream-idle-timeout-secs', '0'];
    const router = await stage.router(
      workers.map(({ url }) => url),
      flags,
    );
    const open = async (count: number) => {
      const clients: Reader[] = [];
      while (clients.length < count) {
        const some = Array.from(
          { length: Math.min(100, count - clients.length) },
          (_, i) => new Reader(router.url, clients.length + i),
        );
        await Promise.all(some.map((one) => one.events(1)));
        clients.push(...some);
        say(`${clients.length} of ${count} streams`);
      }
      return clients;
    };
    const end = async (clients: readonly Reader[]) => {
      for (const call of calls) call.write('0\r\n\r\n');
      await Promise.all(clients.map((client) => client.ended()));
      for (const client of clients) client.socket.destroy();
      calls.length = 0;
    };
    // Code and buffers that are there once, however many streams.
    await end(await open(WARM_UP));
    await delay(1_000);
    const idleKb = rssKb(router.pid);
    const clients = await open(STREAMS);
    await delay(2_000);
    const fullKb = rssKb(router.pid);
    const files = descriptors(router.pid);
    const cpuBefore = cpuSecs(router.pid);
    say(`${STREAMS} streams, idle for ${seconds(IDLE_MS)}`);
    await delay(IDLE_MS);
    const cpuShare = (cpuSecs(router.pid) - cpuBefore) / (IDLE_MS / 1000);
    const sentMs = performance.now();
    for (const call of calls) call.write(FRAME);
    await Promise.all(clients.map((client) => client.events(2)));
    const eventMs = performance.now() - sentMs;
    await end(clients);
    await router.until('all settled', (rows) => rows.every(({ load }) => load === 0), 10_000);
    const problems = [
      ...(router.over === undefined ? [] : [router.over]),
      ...workers.flatMap((worker) => worker.problems),
    ];
    const lost = clients.filter(({ bad }) => bad);
    if (lost.length > 0) problems.push(`${lost.length} streams broke`);
    return {
      figures: {
        streams: STREAMS,
        'RSS before, MB': (idleKb / 1024).toFixed(1),
        'RSS with all, MB': (fullKb / 1024).toFixed(1),
        'RSS a stream, KB': ((fullKb - idleKb) / STREAMS).toFixed(1),
        descriptors: files,
        'CPU while idle, % of a core': (cpuShare * 100).toFixed(2),
        'one event to each, ms': Math.round(eventMs),
      },
      problems,
    };
  },
};

/** A client that counts the events of its stream. */
class Reader {
  readonly socket: Socket;
  bad = false;
  #text = '';
  #look: () => void = () => {};

  constructor(url: string, number: number) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${2 + (number % 200)}` });
    this.socket.on('error', () => {});
    this.socket.once('close', () => {
      this.bad ||= !this.#text.endsWith('0\r\n\r\n');
      this.#look();
    });
    this.socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#look();
    });
    this.socket.write(ASK);
  }

  events(count: number): Promise<void> {
    return this.#until(() => this.#text.split(EVENT).length > count);
  }

  ended(): Promise<void> {
    return this.#until(() => this.#text.endsWith('0\r\n\r\n'));
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (condition() || this.socket.destroyed) resolve();
      };
      this.#look();
    });
  }
}
