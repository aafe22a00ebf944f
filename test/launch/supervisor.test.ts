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

test('a server that was ready in between is never given up, however often it ends: its restarts only come later', () => {
  const { supervisor, server } = stage(1);
  server.servedMs = 59_999;
  const planned = Array.from({ length: 100 }, () => supervisor.ended(server));
  assert.deepEqual(
    planned.slice(0, 7).map((restart) => restart?.waitMs),
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  );
  assert.ok(planned.every((restart) => restart?.number === 1));
  server.servedMs = 0;
  assert.equal(supervisor.ended(server), undefined);
});

test('after a minute of serving the next restart comes soon', () => {
  const { supervisor, server } = stage(5);
  for (let count = 0; count < 4; count++) supervisor.ended(server);
  server.servedMs = 60_000;
  assert.deepEqual(supervisor.ended(server), { number: 1, waitMs: 1_000 });
});

test('with 0 restarts a dead server stays dead', () => {
  const { supervisor, server } = stage(0);
  assert.equal(supervisor.ended(server), undefined);
  assert.equal(supervisor.ended({ ...server, servedMs: 3_600_000 }), undefined);
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
