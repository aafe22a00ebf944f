import type { EngineClock } from '../engine-clock.ts';
import type { Job, Meeting } from '../job.ts';
import type { Rank } from '../rank.ts';
import { DUPLICATE, ELSEWHERE, prefillFailed, type Room, timedOut } from './words.ts';

/** A decode server that waits in a room for its prompt. Exactly one of the two is called, once. */
export interface Guest {
  /** The prompt has come, of which the prefill server had so many tokens cached. */
  receive(cachedTokens: number): void;
  refuse(reason: string): void;
}

interface RendezvousSettings {
  /** How long a request waits for its decode server. */
  readonly bootstrapTimeoutSecs: number;
  readonly transferTokensPerSec: number;
  readonly slowFactor: number;
}

interface Meet {
  visit: Visit | undefined;
  guest: Guest | undefined;
}

/** Rooms whose guest left before the request came are remembered, the latest of them, so that the request fails at once. */
const MAX_LEFT_ROOMS = 10_000;

/** Where the requests of a prefill server meet the decode servers that want their prompts: rooms, each of one rank. */
export class Rendezvous {
  readonly settings: RendezvousSettings;
  readonly clock: EngineClock;
  readonly #say: (line: string) => void;
  readonly #rooms = new Map<string, Meet>();
  readonly #left = new Set<string>();
  /** Requests and decode servers that came to a room which already had one. */
  duplicates = 0;

  constructor(settings: RendezvousSettings, clock: EngineClock, say: (line: string) => void) {
    this.settings = settings;
    this.clock = clock;
    this.#say = say;
  }

  /** Rooms in which somebody is. */
  get openRooms(): number {
    return this.#rooms.size;
  }

  /** A request has come. */
  enter(visit: Visit): void {
    const key = keyOf(visit.rank.index, visit.room);
    if (this.#left.delete(key)) {
      visit.fail(ELSEWHERE);
      return;
    }
    const meet = this.#rooms.get(key) ?? { visit: undefined, guest: undefined };
    if (meet.visit) {
      this.#countDuplicate(visit.room);
      visit.fail(DUPLICATE);
      return;
    }
    meet.visit = visit;
    this.#rooms.set(key, meet);
    if (meet.guest) visit.release();
  }

  /** A decode server has come. */
  join(rank: number, room: Room, guest: Guest): void {
    const key = keyOf(rank, room);
    const meet = this.#rooms.get(key) ?? { visit: undefined, guest: undefined };
    if (meet.guest) {
      this.#countDuplicate(room);
      guest.refuse(DUPLICATE);
      return;
    }
    meet.guest = guest;
    this.#rooms.set(key, meet);
    meet.visit?.release();
  }

  /** A decode server has left; nothing where it had been answered. */
  leave(rank: number, room: Room, guest: Guest): void {
    const key = keyOf(rank, room);
    const meet = this.#rooms.get(key);
    if (meet?.guest !== guest) return;
    this.#rooms.delete(key);
    if (meet.visit) meet.visit.fail(ELSEWHERE);
    else this.#remember(key);
  }

  /** The prompt has moved. */
  deliver(visit: Visit, cachedTokens: number): void {
    this.#close(visit)?.receive(cachedTokens);
  }

  /** The request is over without its prompt having moved. */
  cancel(visit: Visit): void {
    this.#close(visit)?.refuse(ELSEWHERE);
  }

  #close(visit: Visit): Guest | undefined {
    const key = keyOf(visit.rank.index, visit.room);
    const meet = this.#rooms.get(key);
    if (meet?.visit !== visit) return undefined;
    this.#rooms.delete(key);
    return meet.guest;
  }

  #remember(key: string): void {
    this.#left.add(key);
    const [oldest] = this.#left;
    if (this.#left.size > MAX_LEFT_ROOMS && oldest !== undefined) this.#left.delete(oldest);
  }

  #countDuplicate(room: Room): void {
    this.duplicates++;
    this.#say(`ERROR:    two requests at once in bootstrap room ${room}; a real server mixes up their answers`);
  }
}

function keyOf(rank: number, room: Room): string {
  return `${rank}/${room}`;
}

/** One request at a prefill server: with several answers to one prompt it has several jobs, all in the same room. */
export class Visit implements Meeting {
  readonly side = 'prefill';
  readonly rank: Rank;
  readonly room: Room;
  readonly #rendezvous: Rendezvous;
  readonly #count: number;
  readonly #jobs: Job[] = [];
  /** Why it cannot take place; told as soon as the request is there. */
  readonly #obstacle: string | undefined;
  #moved = 0;
  #over = false;
  #timeout: NodeJS.Timeout | undefined;

  constructor(rendezvous: Rendezvous, rank: Rank, room: Room, count: number, obstacle?: string) {
    this.#rendezvous = rendezvous;
    this.rank = rank;
    this.room = room;
    this.#count = count;
    this.#obstacle = obstacle;
  }

  queued(job: Job): void {
    if (this.#jobs.push(job) < this.#count) return;
    if (this.#obstacle !== undefined) {
      this.fail(this.#obstacle);
      return;
    }
    const secs = this.#rendezvous.settings.bootstrapTimeoutSecs;
    this.#timeout = setTimeout(() => this.fail(timedOut(this.room, secs, 'Bootstrapping')), secs * 1000);
    this.#rendezvous.enter(this);
  }

  /** The decode server is there. */
  release(): void {
    clearTimeout(this.#timeout);
    for (const job of this.#jobs) this.rank.engine.release(job);
  }

  move(job: Job): void {
    const { clock, settings } = this.#rendezvous;
    const ms = (job.promptTokens / settings.transferTokensPerSec) * 1000 * settings.slowFactor;
    clock.alarm(clock.now() + ms, () => this.#arrive());
  }

  #arrive(): void {
    if (this.#over || ++this.#moved < this.#count) return;
    this.#end();
    this.#rendezvous.deliver(this, this.#jobs[0]?.cachedTokens ?? 0);
    for (const job of this.#jobs) this.rank.engine.handedOver(job);
  }

  ended(): void {
    if (this.#over) return;
    this.#end();
    this.#rendezvous.cancel(this);
  }

  /** Gives the request up and tells its client why. */
  fail(reason: string): void {
    for (const job of this.#jobs) this.rank.engine.fail(job, 500, prefillFailed(job.id, this.room, reason));
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timeout);
  }
}
