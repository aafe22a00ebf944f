import type { Authorize } from '../http/auth.ts';
import type { ClientRequest } from '../http/edge/client-request.ts';
import type { Reply } from '../http/edge/reply.ts';
import type { Decisions } from './decisions.ts';
import type { Facts } from './facts.ts';
import { Feed } from './feed.ts';
import { Sessions } from './sessions.ts';
import { Watch } from './watch.ts';

/** The router as people see it: who may look, and what they see. */
export class Dashboard {
  readonly sessions = new Sessions();
  readonly feed: Feed;
  readonly #authorize: Authorize;

  constructor(facts: Facts, decisions: Decisions, authorize: Authorize) {
    this.feed = new Feed(new Watch(facts, decisions));
    this.#authorize = authorize;
  }

  /** Throws a RouterError unless the request has the key of the admin routes, or comes from a browser that has signed in with it. */
  admit(request: Pick<ClientRequest, 'headers'>): void {
    if (!this.sessions.has(request)) this.#authorize(request, 'admin');
  }

  /** A session for a viewer with that key; returns the value of `set-cookie`. Throws a RouterError for a wrong one. */
  signIn(request: Pick<ClientRequest, 'headers'>, key: string): string {
    this.#authorize({ headers: { 'x-api-key': key } }, 'admin');
    return this.sessions.open(request);
  }

  /** Whether a viewer needs no key. */
  get isOpen(): boolean {
    return this.#admits({ headers: {} });
  }

  /** Answers a request with snapshots, until the client leaves or its session is over. Throws a RouterError where too many look already. */
  follow(request: Pick<ClientRequest, 'headers'>, reply: Reply): void {
    this.feed.follow(reply, () => this.#admits(request));
  }

  #admits(request: Pick<ClientRequest, 'headers'>): boolean {
    try {
      this.admit(request);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    this.feed.close();
  }
}
