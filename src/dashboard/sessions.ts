import { createHash, randomBytes } from 'node:crypto';
import type { ClientRequest } from '../http/edge/client-request.ts';

const ID_BYTES = 32;
const LIFETIME_MS = 12 * 3_600_000;
/** Beyond, the oldest ends: somebody with the key signs in again and again. */
const MOST = 100;

type Head = Pick<ClientRequest, 'headers'>;

/** Who has signed in to the dashboard with the key: browsers, known by a cookie with a random id. They end with the router. */
export class Sessions {
  /** Hash of the id → when it ends, the oldest first. Finding a hash takes a time that tells nothing of the id. */
  readonly #ends = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A new session; what it returns is the value of `set-cookie`. */
  open(request: Head): string {
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#ends.set(digest(id), this.#now() + LIFETIME_MS);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MOST && oldest !== undefined) this.#ends.delete(oldest);
    return cookie(request, id, LIFETIME_MS / 1_000);
  }

  /** Whether the request comes from a browser that has signed in. */
  has(request: Head): boolean {
    const hash = digest(idIn(request));
    const endMs = this.#ends.get(hash);
    if (endMs === undefined) return false;
    if (endMs > this.#now()) return true;
    this.#ends.delete(hash);
    return false;
  }

  /** Ends the session of that browser; what it returns is the value of `set-cookie`. */
  close(request: Head): string {
    this.#ends.delete(digest(idIn(request)));
    return cookie(request, '', 0);
  }
}

/**
 * No script reads it, and browsers send it with nothing that another site has begun; over HTTPS alone where the page came so. Without a
 * path it goes to what lies beside the sign-in, and so never on to a worker.
 */
function cookie(request: Head, id: string, maxAgeSecs: number): string {
  const secure = request.headers.origin?.startsWith('https:') ? '; Secure' : '';
  return `${nameFor(request)}=${id}; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSecs}${secure}`;
}

/** Browsers keep one set of cookies for all ports of a host: two routers on one machine must not end each other's sessions. */
function nameFor({ headers }: Head): string {
  const [, port = '0'] = /:(\d+)$/.exec(headers.host ?? '') ?? [];
  return `sglang_router_session_${port}`;
}

function idIn(request: Head): string {
  const name = `${nameFor(request)}=`;
  const pairs = String(request.headers.cookie ?? '').split(/; */);
  return pairs.find((pair) => pair.startsWith(name))?.slice(name.length) ?? '';
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
