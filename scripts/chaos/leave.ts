import { connect } from 'node:net';
import { someQuestion } from './question.ts';
import { delay } from './scenario.ts';
import type { Router } from './stage.ts';

/** Clients that leave at any moment; resolves with how many there were. */
export async function leave(router: Router, random: () => number, over: () => boolean): Promise<number> {
  const { hostname, port } = new URL(router.url);
  let left = 0;
  while (!over()) {
    const { path, body } = someQuestion(left, 50);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`);
    socket.write(random() < 0.2 ? body.subarray(0, 10) : body);
    await delay(random() * 300);
    socket.destroy();
    left++;
  }
  return left;
}
