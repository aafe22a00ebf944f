import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ANSWER_END, answerTo, type MadeUpKind, requestOf, STREAM_END, streamTo } from './made-up-messages.ts';

/** Requests on one connection, of clients and to servers: new connections are part of a burst. */
const REQUESTS_PER_CONNECTION = 6;

let requests = 0;
let answers = 0;

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Acts as one client: sends requests one after another until `next` has none. */
export async function sendMadeUp(url: string, next: () => Promise<MadeUpKind | undefined>): Promise<void> {
  const { hostname, port } = new URL(url);
  let goesOn = true;
  while (goesOn) goesOn = await sendOver(connect(Number(port), hostname), next);
}

/** Sends a few over one connection; resolves with whether more are to come. */
async function sendOver(socket: Socket, next: () => Promise<MadeUpKind | undefined>): Promise<boolean> {
  let end = ANSWER_END;
  let answered: () => void = () => {};
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    if (bytes.subarray(-end.length).equals(end)) answered();
  });
  for (let sent = 0; sent < REQUESTS_PER_CONNECTION; sent++) {
    const kind = await next();
    if (!kind || socket.destroyed) return false;
    end = kind.streams ? STREAM_END : ANSWER_END;
    const whole = new Promise<void>((resolve) => {
      answered = resolve;
    });
    socket.write(requestOf(kind, requests++), 'latin1');
    await Promise.race([whole, closed]);
  }
  socket.destroy();
  return true;
}

/** Acts as one server: answers each request at once, and streams one chunk per turn of the event loop. */
export function answerMadeUp(socket: Socket): void {
  let text = '';
  let left = REQUESTS_PER_CONNECTION;
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    if (!isWhole(text)) return;
    const isLast = --left === 0;
    const request = text;
    text = '';
    const streams = /"stream": ?true/.test(request);
    const parts = streams ? streamTo(request, answers++, isLast) : [answerTo(request, answers++, isLast)];
    void send(socket, parts, isLast);
  });
}

/** Sends the head and the first part at once, each further part in a turn of its own. */
async function send(socket: Socket, parts: readonly (string | Buffer)[], isLast: boolean): Promise<void> {
  for (const [i, part] of parts.entries()) {
    if (i > 1) await nextTurn();
    socket.write(part);
  }
  if (isLast) socket.end();
}

function isWhole(request: string): boolean {
  const headEnd = request.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: *(\d+)/i.exec(request.slice(0, headEnd))?.[1] ?? '0';
  return headEnd > 0 && request.length >= headEnd + 4 + Number(length);
}
