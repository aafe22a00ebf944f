import { once } from 'node:events';
import { get } from 'node:http';
import { type RecordingWorker, recordingWorker } from '../../../test/helpers/recording-worker.ts';
import { rssKb, tcpEnds } from '../gauges.ts';
import { delay, type Scenario, seconds } from '../scenario.ts';
import type { Router } from '../stage.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'data: {"text":"a slow reader reads this now and then"}\n\n');
const CHUNKS = 16 * 1024;
const FRAME_BYTES = `${CHUNK.length.toString(16)}\r\n\r\n`.length;
const MOST_HELD_BYTES = 1024 * 1024;
/** The reader takes this much, then looks away for a while. */
const SIP_BYTES = 16 * 1024 * 1024;
const STANDS_STILL_MS = 100;
const FIRST_PAUSE_MS = 2_000;

export const slowReader: Scenario = {
  about: 'a stream of 1 GB to a reader who is slower than the worker: the router holds 1 MB of it at most',
  run: async (stage, { say }) => {
    let sentBytes = () => 0;
    const worker = await recordingWorker(async (_, socket) => {
      const frame = Buffer.concat([Buffer.from(`${CHUNK.length.toString(16)}\r\n`), CHUNK, Buffer.from('\r\n')]);
      sentBytes = () => socket.bytesWritten - socket.writableLength;
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let i = 0; i < CHUNKS; i++) {
        if (!socket.write(frame)) await once(socket, 'drain');
      }
      socket.write('0\r\n\r\n');
    });
    stage.use(worker);
    const router = await stage.router([worker.url], ['--policy', 'round_robin']);
    const idleKb = rssKb(router.pid);
    const startMs = performance.now();
    const request = get(`${router.url}/generate`, { agent: false });
    const [response] = await once(request, 'response');
    let gotBytes = 0;
    let sipBytes = 0;
    const heldBytes: number[] = [];
    let mostKb = idleKb;
    const look = async () => {
      await standstill(sentBytes);
      const payload = (bytes: number) => (bytes * CHUNK.length) / (CHUNK.length + FRAME_BYTES);
      heldBytes.push(payload(sentBytes()) - gotBytes - response.readableLength - inKernels(router, worker));
      mostKb = Math.max(mostKb, rssKb(router.pid));
    };
    response.pause();
    await delay(FIRST_PAUSE_MS);
    await look();
    const watch = setInterval(() => (mostKb = Math.max(mostKb, rssKb(router.pid))), 20);
    response.on('data', (chunk: Buffer) => {
      gotBytes += chunk.length;
      sipBytes += chunk.length;
      if (sipBytes < SIP_BYTES) return;
      sipBytes = 0;
      response.pause();
      void look().then(() => {
        say(`${(gotBytes / 2 ** 20).toFixed(0)} MB read`);
        response.resume();
      });
    });
    response.resume();
    await once(response, 'end');
    clearInterval(watch);
    const held = Math.max(...heldBytes);
    const problems = router.over === undefined ? [] : [router.over];
    if (gotBytes !== CHUNK.length * CHUNKS) problems.push(`${gotBytes} of ${CHUNK.length * CHUNKS} bytes arrived`);
    if (held > MOST_HELD_BYTES) problems.push(`the router held ${Math.round(held / 1024)} KB`);
    return {
      figures: {
        'bytes read': gotBytes,
        'held while the reader looked away, at most KB': Math.round(held / 1024),
        'looked at, times': heldBytes.length,
        'RSS idle, MB': (idleKb / 1024).toFixed(1),
        'RSS at most, MB': (mostKb / 1024).toFixed(1),
        took: seconds(performance.now() - startMs),
      },
      problems,
    };
  },
};

/** What the kernel's buffers hold on the way from worker to client. */
function inKernels(router: Router, worker: RecordingWorker): number {
  const port = Number(new URL(router.url).port);
  return tcpEnds()
    .filter(({ localPort, remotePort }) => [localPort, remotePort].some((one) => one === port || one === worker.port))
    .reduce((sum, { sendBytes, unreadBytes }) => sum + sendBytes + unreadBytes, 0);
}

/** Resolves when the worker has sent nothing for a while: every buffer on the way is as full as it gets. */
async function standstill(sentBytes: () => number): Promise<void> {
  for (let before = -1; before !== sentBytes(); ) {
    before = sentBytes();
    await delay(STANDS_STILL_MS);
  }
}
