import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answer } from '../../../src/sim/answer.ts';
import { PrefixCache } from '../../../src/sim/cache.ts';
import { Rendezvous, Visit } from '../../../src/sim/disaggregation/rendezvous.ts';
import { Engine } from '../../../src/sim/engine.ts';
import { Job } from '../../../src/sim/job.ts';
import { EngineStats } from '../../../src/sim/stats.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

/** A prompt token takes 1 ms to compute and 0.1 ms to move. */
function createPrefill() {
  const clock = new VirtualClock();
  const stats = new EngineStats();
  const cost = {
    prefillTokensPerSec: 1000,
    prefillBaseMs: 0,
    prefillCachedMs: 0,
    decodeBaseMs: 1,
    decodePerRunningMs: 0,
    slowFactor: 1,
  };
  const settings = { cost, chunkTokens: 1000, maxRunning: 8, maxQueued: Number.POSITIVE_INFINITY, mixedChunk: false };
  const engine = new Engine(settings, new PrefixCache(10_000, 1), clock, stats);
  const rendezvous = new Rendezvous(
    { bootstrapTimeoutSecs: 60, transferTokensPerSec: 10_000, slowFactor: 1 },
    clock,
    () => {},
  );
  const events: string[] = [];
  const note = (event: string) => events.push(`${clock.now()} ${event}`);
  const request = (room: bigint, promptTokens: number, copies = 1) => {
    const visit = new Visit(rendezvous, { index: 0, engine, stats }, room, copies);
    const prompt = Array.from({ length: promptTokens }, (_, i) => i);
    const jobs = Array.from({ length: copies }, () => {
      const limits = { maxTokens: 9, meanTokens: 1, roomTokens: 99, stop: [], firstOnly: true };
      const answer = new Answer(prompt, 0, limits);
      const advance = ({ finish }: Job) => note(`answer ${finish?.type}`);
      return new Job({ id: 'p', prompt, answer, salt: 0, stream: false, rank: 0, meeting: visit, advance });
    });
    engine.submit(jobs);
  };
  const guest = {
    receive: (cachedTokens: number) => note(`receive ${cachedTokens}`),
    refuse: (reason: string) => note(`refuse ${reason}`),
  };
  return { clock, engine, rendezvous, events, request, guest };
}

test('a prompt moves once it is computed, in the time its tokens take; then both halves go on', () => {
  const { clock, rendezvous, events, request, guest } = createPrefill();
  rendezvous.join(0, 7n, guest);
  clock.advance(5);
  request(7n, 100);
  clock.advance(1000);
  assert.deepEqual(events, ['115 receive 0', '115 answer length']);
  rendezvous.join(0, 7n, guest);
  request(7n, 100);
  clock.advance(1000);
  assert.deepEqual(events.slice(2), ['1016 receive 99', '1016 answer length']);
  assert.equal(rendezvous.openRooms, 0);
});

test('a request waits for its decode server before anything is computed', () => {
  const { clock, rendezvous, events, request, guest } = createPrefill();
  request(7n, 100);
  clock.advance(1000);
  rendezvous.join(1, 7n, guest);
  rendezvous.join(0, 8n, guest);
  clock.advance(1000);
  assert.deepEqual(events, []);
  rendezvous.join(0, 7n, guest);
  clock.advance(1000);
  assert.deepEqual(events, ['2110 receive 0', '2110 answer length']);
  assert.equal(rendezvous.openRooms, 2);
});

test('all answers to one prompt meet in one room', () => {
  const { clock, rendezvous, events, request, guest } = createPrefill();
  rendezvous.join(0, 7n, guest);
  request(7n, 10, 3);
  clock.advance(1000);
  assert.equal(events.filter((event) => event.endsWith('answer length')).length, 3);
  assert.equal(events.filter((event) => event.includes('receive')).length, 1);
});

test('whoever is left alone is told', () => {
  const { clock, engine, rendezvous, events, request, guest } = createPrefill();
  rendezvous.join(0, 1n, guest);
  request(1n, 100);
  clock.advance(50);
  engine.abort(() => true, 'Client disconnected');
  assert.deepEqual(events.splice(0), [
    '50 refuse Failed due to an unknown reason from another rank',
    '50 answer abort',
  ]);
  request(2n, 100);
  rendezvous.join(0, 2n, guest);
  clock.advance(105);
  rendezvous.leave(0, 2n, guest);
  clock.advance(1000);
  assert.deepEqual(events.splice(0), ['155 answer abort']);
  rendezvous.join(0, 3n, guest);
  rendezvous.leave(0, 3n, guest);
  request(3n, 100);
  assert.deepEqual(events.splice(0), ['1155 answer abort']);
  rendezvous.join(0, 3n, guest);
  request(3n, 100);
  clock.advance(1000);
  assert.equal(events.length, 2);
  assert.equal(rendezvous.openRooms, 0);
});

test('a second decode server in a room is sent away and counted', () => {
  const { clock, rendezvous, events, request, guest } = createPrefill();
  const second = { ...guest };
  rendezvous.join(0, 1n, guest);
  rendezvous.join(0, 1n, second);
  rendezvous.leave(0, 1n, second);
  request(1n, 10);
  request(1n, 10);
  clock.advance(100);
  assert.deepEqual(events, [
    '0 refuse Duplicate or cancelled bootstrap room',
    '0 answer abort',
    '11 receive 0',
    '11 answer length',
  ]);
  assert.equal(rendezvous.duplicates, 2);
});
