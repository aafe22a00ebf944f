import type { OwnAnswers } from '../../data/front.ts';
import { findEndpoint } from '../../http/endpoints.ts';
import { pathOf } from '../../http/path.ts';
import type { ScheduledRequest } from '../../link/scheduling.ts';
import type { ToDataThread, ToScheduler } from '../../link/threads/messages.ts';
import { ForwardedReply } from './forwarded-reply.ts';
import { ForwardedRequest } from './forwarded-request.ts';

type OfForwarded = Extract<ToScheduler, { kind: 'own' | 'ownBody' | 'ownDrained' | 'ownFlushed' | 'ownGone' }>;

interface Forwarded {
  readonly request: ForwardedRequest;
  readonly reply: ForwardedReply;
}

/** Answers the router's own endpoints in the main thread for clients of a data thread. */
export class Forwarding {
  readonly #ownAnswers: OwnAnswers;
  readonly #send: (message: ToDataThread) => void;
  readonly #underWay = new Map<number, Forwarded>();

  constructor(ownAnswers: OwnAnswers, send: (message: ToDataThread) => void) {
    this.#ownAnswers = ownAnswers;
    this.#send = send;
  }

  receive(message: OfForwarded, scheduled: ScheduledRequest | undefined): void {
    if (message.kind === 'own') {
      if (scheduled) void this.#answer(message, scheduled);
      return;
    }
    const { request, reply } = this.#underWay.get(message.request) ?? {};
    if (message.kind === 'ownBody') request?.bodyCame(message.body);
    else if (message.kind === 'ownDrained') reply?.drained();
    else if (message.kind === 'ownFlushed') reply?.flush();
    else reply?.lose();
  }

  /** The thread has ended. */
  lose(): void {
    for (const { reply } of this.#underWay.values()) reply.lose();
    this.#underWay.clear();
  }

  async #answer(message: Extract<ToScheduler, { kind: 'own' }>, scheduled: ScheduledRequest): Promise<void> {
    const number = message.request;
    const request = new ForwardedRequest(message, this.#send);
    const reply = new ForwardedReply(number, this.#send);
    this.#underWay.set(number, { request, reply });
    const begun = { found: findEndpoint(pathOf(message.url)), scheduled, headers: [] };
    const errorCode = await this.#ownAnswers(request, reply, begun);
    this.#send({ kind: 'ownDone', request: number, errorCode });
    await reply.flushed();
    this.#underWay.delete(number);
  }
}
