import type { Registry } from '../fleet/registry.ts';
import type { Role } from '../fleet/worker-spec.ts';
import type { WorkerTarget } from '../fleet/worker-target.ts';
import type { Log } from '../observe/log/log.ts';
import type { Notice } from '../scheduler/peers/notice.ts';
import type { Peer, PeerListener, PeerOptions } from '../scheduler/peers/peer.ts';
import { Peers } from '../scheduler/peers/peers.ts';
import type { Choice, Policy } from '../scheduler/policies/policy.ts';
import type { ChoiceTeller, SharedChoice } from '../scheduler/policies/shared-choice.ts';

/** Most open choices of one router that are remembered; far more than are ever in flight. */
const MOST_OPEN = 65_536;

interface SharedParts {
  readonly policies: ReadonlyMap<Role, Policy>;
  readonly registry: Registry;
  /** Tells others what these policies choose. */
  readonly teller: ChoiceTeller;
}

interface Open {
  readonly policy: Policy;
  readonly choice: Choice;
}

/** The policies of several routers know what each of them has chosen. */
export class SharedPolicies implements PeerListener {
  readonly #policies: ReadonlyMap<Role, Policy>;
  readonly #registry: Registry;
  readonly #peers: Peers;
  /** Open choices of each other router, by their number. */
  readonly #open = new Map<Peer, Map<number, Open>>();
  /** URL → target, cached for one array of targets; the registry makes a new array at each change. */
  readonly #targets = new Map<
    Role,
    { readonly of: readonly WorkerTarget[]; readonly byUrl: Map<string, WorkerTarget> }
  >();

  constructor({ policies, registry, teller }: SharedParts, options: PeerOptions, log: Log) {
    this.#policies = policies;
    this.#registry = registry;
    this.#peers = new Peers(options, this, log);
    for (const policy of policies.values()) policy.share?.(teller);
  }

  /** Sets the routers to listen to; this one may be among them. */
  follow(urls: readonly string[]): void {
    this.#peers.set(urls);
  }

  /** How many other routers tell their choices. */
  get routersHeard(): number {
    return this.#peers.heard;
  }

  close(): void {
    this.#peers.close();
  }

  heard(peer: Peer, notice: Notice): void {
    const open = this.#open.get(peer) ?? new Map<number, Open>();
    this.#open.set(peer, open);
    if (notice.kind === 'chosen') {
      // A number that was told twice would leave its first choice counted for ever.
      this.#end(open, notice.number, 0);
      const added = open.size < MOST_OPEN ? this.#add(notice.choice) : undefined;
      if (added) open.set(notice.number, added);
      return;
    }
    if (notice.kind === 'settled') {
      this.#end(open, notice.number, notice.surplusTokens);
      return;
    }
    const known = open.get(notice.number);
    known?.policy.firstByte?.(known.choice);
  }

  lost(peer: Peer): void {
    for (const { policy, choice } of this.#open.get(peer)?.values() ?? []) policy.endedElsewhere?.(choice, 0);
    this.#open.delete(peer);
  }

  #end(open: Map<number, Open>, number: number, surplusTokens: number): void {
    const known = open.get(number);
    if (!known) return;
    open.delete(number);
    known.policy.endedElsewhere?.(known.choice, surplusTokens);
  }

  /** Counts a choice only of a worker available here too: another may have been replaced since. */
  #add(choice: SharedChoice): Open | undefined {
    for (const [role, policy] of this.#policies) {
      const target = this.#target(role, choice.url);
      if (target && policy.chosenElsewhere) return { policy, choice: policy.chosenElsewhere(target, choice) };
    }
    return undefined;
  }

  #target(role: Role, url: string): WorkerTarget | undefined {
    const available = this.#registry.available(role);
    let known = this.#targets.get(role);
    if (known?.of !== available) {
      known = { of: available, byUrl: new Map(available.map((target) => [target.url, target])) };
      this.#targets.set(role, known);
    }
    return known.byUrl.get(url);
  }
}
