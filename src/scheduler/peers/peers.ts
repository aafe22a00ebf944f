import type { Log } from '../../observe/log/log.ts';
import { Peer, type PeerListener, type PeerOptions } from './peer.ts';

/** The other routers that are listened to. */
export class Peers {
  readonly #options: PeerOptions;
  readonly #listener: PeerListener;
  readonly #log: Log;
  readonly #peers = new Map<string, Peer>();

  constructor(options: PeerOptions, listener: PeerListener, log: Log) {
    this.#options = options;
    this.#listener = listener;
    this.#log = log;
  }

  /** Sets the routers to listen to; this one may be among them. */
  set(urls: readonly string[]): void {
    const named = new Set(urls);
    for (const [url, peer] of this.#peers) {
      if (named.has(url)) continue;
      this.#peers.delete(url);
      peer.close();
    }
    for (const url of named) {
      if (!this.#peers.has(url)) this.#peers.set(url, new Peer(url, this.#options, this.#listener, this.#log));
    }
  }

  /** How many of them tell what they choose. */
  get heard(): number {
    let heard = 0;
    for (const peer of this.#peers.values()) if (peer.isHeard) heard++;
    return heard;
  }

  close(): void {
    this.set([]);
  }
}
