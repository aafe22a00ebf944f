import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Engine } from '../engine.ts';
import type { Job, Meeting } from '../job.ts';
import { ROOMS_PATH } from './bootstrap-server.ts';
import { decodeFailed, lostPrefill, NO_HANDSHAKE, type Room, timedOut } from './words.ts';

/** Where a decode server finds its prompt. */
interface MeetingPlace {
  readonly host: string;
  readonly port: number;
  readonly room: Room;
  /** Of several engines there; undefined: the one that the room implies. */
  readonly rank: number | undefined;
}

interface ReceiverSettings {
  /** How long a prefill server that cannot be reached is tried. */
  readonly handshakeSecs: number;
  /** How long a prompt is waited for. */
  readonly waitingTimeoutSecs: number;
  /** Time until a prefill server is noticed to have gone. */
  readonly heartbeatSecs: number;
}

/** Attempts to reach a prefill server. */
const HANDSHAKES = 15;

/** One request at a decode server, which gets its prompt from a prefill server. */
export class KvReceiver implements Meeting {
  readonly side = 'decode';
  readonly #engine: Engine;
  readonly #place: MeetingPlace;
  readonly #settings: ReceiverSettings;
  readonly #deaf: boolean;
  readonly #jobs = new Set<Job>();
  #attempts = 0;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `deaf`: what comes is not taken for what is waited for, so that the wait only ends with its time. */
  constructor(engine: Engine, place: MeetingPlace, settings: ReceiverSettings, deaf: boolean) {
    this.#engine = engine;
    this.#place = place;
    this.#settings = settings;
    this.#deaf = deaf;
  }

  queued(): void {}

  move(job: Job): void {
    this.#jobs.add(job);
    if (this.#jobs.size === 1) this.#connect();
  }

  ended(job: Job): void {
    this.#jobs.delete(job);
    if (this.#jobs.size > 0) return;
    clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #connect(): void {
    const { host, port, room, rank } = this.#place;
    const path = `${ROOMS_PATH}${room}${rank === undefined ? '' : `?prefill_dp_rank=${rank}`}`;
    let connected = false;
    const request = get({ host, port, path, agent: false }, (response) => this.#answered(response));
    this.#request = request;
    request.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true;
        this.#awaitPrompt();
      }),
    );
    request.on('error', () => {
      if (connected) this.#lost();
      else this.#tryAgain();
    });
  }

  #awaitPrompt(): void {
    const secs = this.#settings.waitingTimeoutSecs;
    this.#after(secs, () => this.#fail('transfer', timedOut(this.#place.room, secs, 'WaitingForInput')));
  }

  #answered(response: IncomingMessage): void {
    json(response).then(
      (answer) => {
        const { cached_tokens: cachedTokens, reason = NO_HANDSHAKE } = answer as {
          cached_tokens?: number;
          reason?: string;
        };
        if (cachedTokens !== undefined) this.#arrived(cachedTokens);
        else this.#fail(response.statusCode === 409 ? 'transfer' : 'handshake', reason);
      },
      () => this.#lost(),
    );
  }

  #arrived(cachedTokens: number): void {
    if (this.#deaf) return;
    clearTimeout(this.#timer);
    for (const job of this.#jobs) this.#engine.handedOver(job, cachedTokens);
  }

  #tryAgain(): void {
    if (++this.#attempts >= HANDSHAKES) this.#fail('handshake', NO_HANDSHAKE);
    else this.#after(this.#settings.handshakeSecs / (HANDSHAKES - 1), () => this.#connect());
  }

  #lost(): void {
    const { host, port } = this.#place;
    this.#after(this.#settings.heartbeatSecs, () => this.#fail('transfer', lostPrefill(`${host}:${port}`)));
  }

  /** There is only ever one thing to wait for. */
  #after(secs: number, act: () => void): void {
    clearTimeout(this.#timer);
    if (this.#jobs.size > 0) this.#timer = setTimeout(act, secs * 1000);
  }

  #fail(stage: 'handshake' | 'transfer', reason: string): void {
    for (const job of [...this.#jobs]) {
      this.#engine.fail(job, 500, decodeFailed(stage, job.id, this.#place.room, reason));
    }
  }
}
