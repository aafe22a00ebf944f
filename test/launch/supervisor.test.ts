import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alarm, Supervisor } from '../../src/launch/supervisor.ts';

/** A server that counts its restarts, and timers that ring when told to. */
function stage(limit: number) {
  const alarms: { ms: number; ring: () => void }[] = [];
  const alarm: Alarm = (ms, ring) => {
    const entry = { ms, ring };
    alarms.push(entry);
    return () => void alarms.splice(alarms.indexOf(entry), 1);
  };
  const graces: number[] = [];
  const server = { servedMs: 0, restart: async (graceMs: number) => void graces.push(graceMs) };
  return { supervisor: new Supervisor(limit, alarm), alarms, graces, server };
}

test('restarts come after 1 s, then twice as long each time, 30 s at most', () => {
  const { supervisor, server } = stage(8);
  const waits = Array.from({ length: 8 }, () => supervisor.ended(server)?.waitMs);
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('a crash loop ends after as many restarts as allowed, for each server by itself', () => {
  const { supervisor, server } = stage(2);
  assert.deepEqual(supervisor.ended(server), { number: 1, waitMs: 1_000 });
  assert.deepEqual(supervisor.ended(server), { number: 2, waitMs: 2_000 });
  assert.equal(supervisor.ended(server), undefined);
  assert.equal(supervisor.ended({ ...server })?.number, 1);
});

test('ends over a request make waits longer, but count as no crash loop', () => {
  const { supervisor, server } = stage(1);
  for (const waitMs of [1_000, 2_000, 4_000]) {
    assert.deepEqual(supervisor.ended(server, true), { number: undefined, waitMs });
  }
  assert.deepEqual(supervisor.ended(server), { number: 1, waitMs: 8_000 });
  assert.equal(supervisor.ended(server), undefined);
  assert.equal(stage(0).supervisor.ended(server, true), undefined);
});

test('a server that served for 10 minutes starts from the beginning', () => {
  const { supervisor, server } = stage(1);
  assert.equal(supervisor.ended(server)?.number, 1);
  assert.equal(supervisor.ended({ ...server, servedMs: 0 })?.number, 1);
  server.servedMs = 599_999;
  assert.equal(supervisor.ended(server), undefined);
  server.servedMs = 600_000;
  assert.deepEqual(supervisor.ended(server), { number: 1, waitMs: 1_000 });
});

test('with 0 restarts a dead server stays dead', () => {
  const { supervisor, server } = stage(0);
  assert.equal(supervisor.ended(server), undefined);
});

test('the restart is made when its time has come', () => {
  const { supervisor, server, alarms, graces } = stage(1);
  supervisor.ended(server);
  assert.deepEqual(graces, []);
  alarms[0]?.ring();
  assert.deepEqual(graces, [0]);
});

test('a restart that is asked for comes in place of the planned one', async () => {
  const { supervisor, server, alarms, graces } = stage(1);
  supervisor.ended(server);
  await supervisor.restart(server, 500);
  assert.deepEqual([graces, alarms], [[500], []]);
});

test('once closed nothing is started any more', async () => {
  const { supervisor, server, alarms, graces } = stage(5);
  supervisor.ended(server);
  supervisor.close();
  assert.deepEqual(alarms, []);
  assert.equal(supervisor.ended(server), undefined);
  await supervisor.restart(server, 0);
  assert.deepEqual(graces, []);
});
