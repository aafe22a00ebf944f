import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/** A wire in front of a server that keeps what the server sent. */
export interface Tap extends AsyncDisposable {
  readonly url: string;
  /** The body of the last answer to a POST as the server sent it, its chunked framing taken off. */
  lastBody(): Buffer;
}

export async function tap(serverUrl: string): Promise<Tap> {
  const { hostname, port } = new URL(serverUrl);
  let sent: Buffer[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let answer: Buffer[] = [];
    client.on('data', (bytes) => {
      answer = [];
      // What the router itself asks meanwhile is of no interest.
      if (bytes.toString('latin1', 0, 5) === 'POST ') sent = answer;
    });
    upstream.on('data', (bytes) => answer.push(bytes));
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastBody: () => bodyOf(Buffer.concat(sent)),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

function bodyOf(answer: Buffer): Buffer {
  const end = answer.indexOf('\r\n\r\n');
  const body = answer.subarray(end + 4);
  if (!/^transfer-encoding: *chunked/im.test(answer.toString('latin1', 0, end))) return body;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
