import { type ClientRequest, get, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getSecurely } from 'node:https';
import { HTTP_ERRORS } from '../../errors/errors.ts';
import { INSTANCE, VIA } from '../../http/instance.ts';
import type { WorkerTls } from '../../http/upstream/worker-tls.ts';
import type { Log } from '../../observe/log/log.ts';
import { HEARTBEAT_MS } from './announcements.ts';
import { GREETING, MAX_LINE_BYTES, type Notice, readNotice } from './notice.ts';

const CHOICES_PATH = '/router_choices';
/** A connection is dead after so long without any line, heartbeats included. */
const SILENT_MS = 4 * HEARTBEAT_MS;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** Hears what another router tells. */
export interface PeerListener {
  heard(peer: Peer, notice: Notice): void;
  /** The connection was lost, and with it the ends of the choices told before. */
  lost(peer: Peer): void;
}

export interface PeerOptions {
  readonly apiKey: string | undefined;
  readonly tls: WorkerTls;
}

/** Another router, listened to for as long as it answers and asked again when it does not. */
export class Peer {
  readonly url: string;
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  readonly #log: Log;
  #request: ClientRequest | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** When it began to tell its choices; undefined while it does not. */
  #sinceMs: number | undefined;
  #failures = 0;
  #reported = false;
  #closed = false;

  constructor(url: string, options: PeerOptions, listener: PeerListener, log: Log) {
    this.url = url;
    this.#options = options;
    this.#listener = listener;
    this.#log = log;
    this.#listen();
  }

  /** Whether the other router's choices are heard. */
  get isHeard(): boolean {
    return this.#sinceMs !== undefined;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#request?.destroy();
  }

  #listen(): void {
    const { apiKey, tls } = this.#options;
    const { ca, ...pair } = tls;
    const isSecure = this.url.startsWith('https:');
    const options: RequestOptions = {
      agent: false,
      timeout: SILENT_MS,
      headers: {
        [VIA]: INSTANCE,
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
    };
    const address = `${this.url}${CHOICES_PATH}`;
    const request = isSecure
      ? getSecurely(address, { ...options, ...pair, ...(ca && { ca: [...ca] }) })
      : get(address, options);
    this.#request = request;
    request.on('response', (response) => this.#follow(response));
    request.on('timeout', () => request.destroy(new Error(`silent for ${SILENT_MS / 1000} s`)));
    request.on('error', (error) => this.#failed(request, error.message));
    request.on('close', () => this.#failed(request, 'it ended'));
  }

  #follow(response: IncomingMessage): void {
    const { statusCode = 0 } = response;
    // The address is this router's own, from a list that all routers share.
    if (statusCode === HTTP_ERRORS.loop_detected) {
      this.close();
      return;
    }
    if (statusCode !== 200) {
      response.destroy(new Error(`${CHOICES_PATH} answered ${statusCode}`));
      return;
    }
    let isGreeted = false;
    let begun = '';
    response.setEncoding('latin1');
    response.on('error', (error) => this.#failed(this.#request, error.message));
    response.on('data', (chunk: string) => {
      const lines = (begun + chunk).split('\n');
      begun = lines.pop() as string;
      try {
        if (begun.length > MAX_LINE_BYTES) throw new RangeError('a line is longer than any notice');
        for (const line of lines) {
          if (!isGreeted) {
            this.#greeted(line);
            isGreeted = true;
          } else if (line !== '') this.#listener.heard(this, readNotice(line));
        }
      } catch (error) {
        response.destroy(error as Error);
      }
    });
  }

  #greeted(line: string): void {
    if (line !== GREETING) throw new RangeError(`it is of another version: ${line.slice(0, 60)}`);
    this.#sinceMs = performance.now();
    this.#reported = false;
    this.#log.info('another router tells of its choices', { router: this.url });
  }

  /** Handles the end of a connection; may be called more than once for one. */
  #failed(request: ClientRequest | undefined, problem: string): void {
    if (this.#request !== request || request === undefined) return;
    this.#request = undefined;
    // Failures reset only after a long connection, so that one that keeps ending at once is not retried all the time.
    if (this.#sinceMs !== undefined && performance.now() - this.#sinceMs > LONGEST_RETRY_MS) this.#failures = 0;
    this.#sinceMs = undefined;
    this.#listener.lost(this);
    if (this.#closed) return;
    if (!this.#reported) {
      this.#reported = true;
      this.#log.warning('another router cannot be listened to, tried again', { router: this.url, problem });
    }
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#retry = setTimeout(() => this.#listen(), waitMs).unref();
  }
}
