import type { ServerResponse } from 'node:http';

/** The end of an SSE stream as OpenAI clients expect it. */
export const DONE = 'data: [DONE]\n\n';

/** An SSE answer. Each call is one write to the socket: with many streams the system calls are nearly all of the cost. */
export class EventStream {
  readonly #response: ServerResponse;
  #started = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Sends the head now; otherwise it leaves with the first events. */
  open(): void {
    this.#start();
    this.#response.flushHeaders();
  }

  /** Sends finished events. */
  write(events: string): void {
    this.#start();
    this.#response.write(chunk(events));
  }

  /** Sends the last events and ends. */
  end(events: string): void {
    this.#start();
    this.#response.end(`${chunk(events)}0\r\n\r\n`);
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'transfer-encoding': 'chunked',
    });
    // Headers leave with the first chunk, and chunks are framed here: Node would make four buffers of each.
    this.#response.chunkedEncoding = false;
  }
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
