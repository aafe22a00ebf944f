import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker, type BreakerOptions, type BreakerState } from '../../src/fleet/breaker.ts';
import type { Verdict } from '../../src/fleet/call.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const OPTIONS: BreakerOptions = { failureThreshold: 3, successThreshold: 2, timeoutMs: 30_000, windowMs: 60_000 };

function breakerOn(options: Partial<BreakerOptions> = {}) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const breaker: Breaker = new Breaker({ ...OPTIONS, ...options }, clock, (was) =>
    changes.push(`${was} > ${breaker.state}`),
  );
  const request = (verdict: Verdict, cause?: string) => breaker.settled(verdict, breaker.chosen(), cause);
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) request('failure', 'status 500');
  };
  return { clock, breaker, changes, request, fail };
}

test('failures in a row open it; a success in between starts the count again, a neutral verdict does not', () => {
  const { breaker, request, fail } = breakerOn();
  fail(2);
  request('success');
  fail(2);
  assert.equal(breaker.state, 'closed');
  request('neutral');
  request('failure', 'reset');
  assert.deepEqual(
    [breaker.state, breaker.admits, breaker.reason],
    ['open', false, '3 failures in a row: status 500 (2 times), reset'],
  );
});

test('failures further apart than the window do not add up', () => {
  const { breaker, clock, fail } = breakerOn();
  fail(1);
  clock.advance(30_001);
  fail(1);
  clock.advance(30_000);
  fail(1);
  assert.equal(breaker.state, 'closed');
  clock.advance(1_000);
  fail(1);
  assert.equal(breaker.state, 'open');
});

test('after the time-out one probe at a time is let through, and successes close it', () => {
  const { breaker, clock, changes, fail, request } = breakerOn();
  fail(3);
  clock.advance(29_999);
  assert.equal(breaker.state, 'open');
  clock.advance(1);
  assert.deepEqual([breaker.state, breaker.admits], ['half_open', true]);
  const probe = breaker.chosen();
  assert.equal(breaker.admits, false);
  breaker.settled('success', probe);
  assert.deepEqual([breaker.state, breaker.admits], ['half_open', true]);
  request('success');
  assert.deepEqual([breaker.state, breaker.admits], ['closed', true]);
  assert.deepEqual(changes, [
    'closed > open',
    'open > half_open',
    'half_open > half_open',
    'half_open > half_open',
    'half_open > half_open',
    'half_open > closed',
  ]);
});

test('a failed probe opens it again, for as long as before', () => {
  const { breaker, clock, fail } = breakerOn();
  fail(3);
  clock.advance(30_000);
  fail(1);
  assert.equal(breaker.state, 'open');
  clock.advance(29_999);
  assert.equal(breaker.state, 'open');
  clock.advance(1);
  assert.equal(breaker.state, 'half_open');
});

test('a probe whose client leaves makes room for the next', () => {
  const { breaker, clock, fail, request } = breakerOn();
  fail(3);
  clock.advance(30_000);
  request('neutral');
  assert.deepEqual([breaker.state, breaker.admits], ['half_open', true]);
});

test('a request from before says nothing, and does not end the probe that is under way', () => {
  const { breaker, clock, fail } = breakerOn();
  const [old, older] = [breaker.chosen(), breaker.chosen()];
  fail(3);
  clock.advance(30_000);
  breaker.chosen();
  breaker.settled('failure', old);
  breaker.settled('success', older);
  assert.deepEqual([breaker.state, breaker.admits], ['half_open', false]);
});

test('good health checks count while it is half open, and only then', () => {
  const { breaker, clock, fail } = breakerOn();
  fail(2);
  breaker.healthy();
  fail(1);
  assert.equal(breaker.state, 'open');
  for (let i = 0; i < 5; i++) breaker.healthy();
  assert.equal(breaker.state, 'open');
  clock.advance(30_000);
  breaker.healthy();
  assert.equal(breaker.state, 'half_open');
  breaker.healthy();
  assert.equal(breaker.state, 'closed');
});

test('a trip opens it at once, and then only requests close it', () => {
  const { breaker, clock, request } = breakerOn();
  breaker.trip('silent');
  assert.deepEqual([breaker.state, breaker.reason, breaker.tripped], ['open', 'silent', true]);
  clock.advance(30_000);
  for (let i = 0; i < 5; i++) breaker.healthy();
  assert.equal(breaker.state, 'half_open');
  request('success');
  request('success');
  assert.deepEqual([breaker.state, breaker.tripped], ['closed', false]);
});

test('where failing requests never open it, a trip still does', () => {
  const { breaker, fail } = breakerOn({ failureThreshold: Number.POSITIVE_INFINITY });
  fail(1_000);
  assert.equal(breaker.state, 'closed');
  breaker.trip('silent');
  assert.equal(breaker.state, 'open');
});

test('requests that were sent as a last resort bring it back before its time', () => {
  const { breaker, fail, request } = breakerOn();
  fail(3);
  request('success');
  fail(1);
  request('success');
  assert.equal(breaker.state, 'open');
  request('success');
  assert.equal(breaker.state, 'closed');
});

test('a reset closes it, and a timer from before does nothing', () => {
  const { breaker, clock, fail } = breakerOn();
  fail(3);
  breaker.reset();
  assert.deepEqual([breaker.state, breaker.failures, clock.pending], ['closed', 0, 0]);
  clock.advance(60_000);
  assert.equal(breaker.state, 'closed');
});

/** The same rules, written down without regard to cost: everything is looked up in what has happened. */
class Reference {
  readonly options: BreakerOptions;
  state: BreakerState = 'closed';
  sinceMs = 0;
  tripped = false;
  /** Since the state was entered, oldest first. */
  verdicts: { verdict: Verdict; atMs: number }[] = [];
  requests = new Set<{ probe: boolean }>();

  constructor(options: BreakerOptions) {
    this.options = options;
  }

  get admits(): boolean {
    return this.state === 'closed' || (this.state === 'half_open' && ![...this.requests].some(({ probe }) => probe));
  }

  enter(state: BreakerState, nowMs: number): void {
    Object.assign(this, { state, sinceMs: nowMs, verdicts: [], requests: new Set() });
    if (state === 'closed') this.tripped = false;
  }

  tick(nowMs: number): void {
    if (this.state === 'open' && nowMs >= this.sinceMs + this.options.timeoutMs) {
      this.enter('half_open', this.sinceMs + this.options.timeoutMs);
    }
  }

  chosen(): { probe: boolean } {
    const request = { probe: this.state === 'half_open' && this.admits };
    this.requests.add(request);
    return request;
  }

  settled(request: { probe: boolean }, verdict: Verdict, nowMs: number): void {
    if (this.requests.delete(request)) this.count(verdict, nowMs);
  }

  count(verdict: Verdict, nowMs: number): void {
    if (verdict !== 'neutral') this.verdicts.push({ verdict, atMs: nowMs });
    const reversed = this.verdicts.toReversed();
    const streak = (of: Verdict) => {
      const end = reversed.findIndex((each) => each.verdict !== of);
      return end < 0 ? reversed : reversed.slice(0, end);
    };
    const { failureThreshold, successThreshold, windowMs } = this.options;
    if (this.state === 'closed') {
      if (streak('failure').filter(({ atMs }) => nowMs - atMs <= windowMs).length >= failureThreshold) {
        this.enter('open', nowMs);
      }
    } else if (this.state === 'half_open' && verdict === 'failure') this.enter('open', nowMs);
    else if (streak('success').length >= successThreshold) this.enter('closed', nowMs);
  }

  healthy(nowMs: number): void {
    if (this.state === 'half_open' && !this.tripped) this.count('success', nowMs);
  }

  trip(nowMs: number): void {
    this.enter('open', nowMs);
    this.tripped = true;
  }
}

test('does what a plain reference does, whatever happens in whatever order', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const upTo = (n: number) => Math.floor(random() * n);
    const options: BreakerOptions = {
      failureThreshold: 1 + upTo(4),
      successThreshold: 1 + upTo(3),
      timeoutMs: 1 + upTo(100),
      windowMs: 1 + upTo(100),
    };
    const clock = new VirtualClock();
    const breaker = new Breaker(options, clock, () => {});
    const reference = new Reference(options);
    const inFlight: { ticket: number; request: { probe: boolean } }[] = [];
    const done: string[] = [];
    for (let step = 0; step < 200; step++) {
      const action = upTo(40) / 2;
      const now = () => clock.now();
      if (action < 6) {
        done.push('chosen');
        inFlight.push({ ticket: breaker.chosen(), request: reference.chosen() });
      } else if (action < 14) {
        const [call] = inFlight.splice(upTo(inFlight.length), 1);
        const verdict = (['success', 'failure', 'failure', 'neutral'] as const)[upTo(4)]!;
        if (!call) continue;
        done.push(`${verdict} of ${call.ticket}`);
        breaker.settled(verdict, call.ticket);
        reference.settled(call.request, verdict, now());
      } else if (action < 17) {
        const ms = upTo(60);
        done.push(`${ms} ms`);
        clock.advance(ms);
        reference.tick(now());
      } else if (action < 19) {
        done.push('healthy');
        breaker.healthy();
        reference.healthy(now());
      } else if (action === 19) {
        done.push('trip');
        breaker.trip('silent');
        reference.trip(now());
      } else {
        done.push('reset');
        breaker.reset();
        reference.enter('closed', now());
      }
      const state = [breaker.state, breaker.admits, breaker.tripped];
      const expected = [reference.state, reference.admits, reference.tripped];
      assert.deepEqual(state, expected, `seed ${seed}, ${JSON.stringify(options)}: ${done.join(', ')}`);
    }
  }
});
