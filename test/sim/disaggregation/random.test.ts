import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../helpers/seeded-random.ts';
import { bootstrapPortOf, type Json, pairBody, readEvents, startPair, startSim } from '../../helpers/sim.ts';
import { type SimProcess, spawnSim } from '../../helpers/spawn-sim.ts';

const SEED = Number(process.env.SIM_SEED ?? 1);
const PAIRS = 300;
const ROUNDS = 5;
const PAIRS_A_ROUND = 24;

/** Slow enough for a leg to be lost in any phase, fast enough for hundreds of pairs. */
const SLOW = [
  '--sim-prefill-tokens-per-sec=4000',
  '--sim-transfer-tokens-per-sec=20000',
  '--sim-decode-base-ms=2',
  '--sim-heartbeat-secs=0.1',
  '--sim-handshake-secs=0.3',
];

/** How long a half waits for one that never comes. */
const patience = (secs: number) => [`--sim-waiting-timeout-secs=${secs}`, `--sim-bootstrap-timeout-secs=${secs}`];

interface Ask {
  readonly body: { readonly text: string; readonly stream: boolean; readonly sampling_params: object };
  readonly room: string;
}

function askOf(random: () => number, number: number): Ask {
  const words = 1 + Math.floor(random() * 60);
  const text = `${'word '.repeat(words)}${Math.floor(random() * 20)}`;
  const length = Math.floor(random() * 12);
  return {
    body: { text, stream: random() < 0.5, sampling_params: { max_new_tokens: length } },
    room: String(2n ** 61n + BigInt(number)),
  };
}

/** The text of a whole answer; undefined for one that failed, was cut or aborted. */
async function textOf(answer: Promise<Response>): Promise<string | undefined> {
  try {
    const response = await answer;
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return response.ok ? ((await response.json()) as Json).text : undefined;
    }
    const { events, done } = await readEvents(response);
    const last = events.at(-1);
    return done && last.meta_info.finish_reason.type !== 'abort' ? last.text : undefined;
  } catch {
    return undefined;
  }
}

async function isEmpty(url: string): Promise<boolean> {
  const loads = (await (await fetch(`${url}/v1/loads`)).json()) as Json;
  const text = await (await fetch(`${url}/metrics`)).text();
  const [load] = loads.loads;
  const counts = [load.num_running_reqs, load.num_waiting_reqs, load.num_used_tokens];
  return (
    [...counts, ...Object.values(load.disaggregation)].every((count) => !(Number(count) > 0)) &&
    !/^sim_open_rooms [^0]/m.test(text)
  );
}

test(`${PAIRS} pairs of which legs are aborted at random (seed ${SEED})`, { timeout: 90_000 }, async () => {
  const random = seededRandom(SEED);
  await using plain = await startSim();
  await using pair = await startPair([
    ...SLOW,
    ...patience(12),
    '--enable-metrics',
    '--dp-size=2',
    '--enable-dp-attention',
  ]);
  let whole = 0;
  const one = async (number: number) => {
    await delay(random() * 500);
    const { body, room } = askOf(random, number);
    const fate = random();
    const gone = { signal: AbortSignal.timeout(Math.floor(random() * 60)) };
    const legs = pair.ask('/generate', body, {
      room,
      prefill: fate < 0.25 ? gone : {},
      decode: fate >= 0.25 && fate < 0.5 ? gone : {},
    });
    const [, text] = await Promise.all(legs.map(textOf));
    if (fate >= 0.5) assert.notEqual(text, undefined, `pair ${number}`);
    if (text === undefined) return;
    whole++;
    assert.equal(text, await textOf(plain.post('/generate', { ...body, stream: false })), `pair ${number}`);
  };
  await Promise.all(Array.from({ length: PAIRS }, (_, i) => one(i)));
  assert.ok(whole > PAIRS / 3);
  while (!(await isEmpty(pair.prefill.url)) || !(await isEmpty(pair.decode.url)));
});

test(`servers killed at random under load (seed ${SEED})`, { timeout: 60_000 }, async () => {
  const random = seededRandom(SEED + 1);
  const start = (mode: 'prefill' | 'decode') =>
    spawnSim([
      '--disaggregation-mode',
      mode,
      '--disaggregation-bootstrap-port',
      '0',
      '--enable-metrics',
      ...SLOW,
      ...patience(0.8),
    ]);
  const servers = { prefill: [start('prefill'), start('prefill')], decode: [start('decode'), start('decode')] };
  await using plain = await startSim();
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  let number = 0;
  let whole = 0;
  const one = async (prefill: SimProcess, decode: SimProcess) => {
    const { body, room } = askOf(random, ++number);
    const [prefillUrl, decodeUrl] = await Promise.all([prefill.url(), decode.url()]);
    const text = pairBody(body, bootstrapPortOf(prefill.lines), room);
    const legs = [prefillUrl, decodeUrl].map((url) => textOf(fetch(`${url}/generate`, { method: 'POST', body: text })));
    const [, answer] = await Promise.all(legs);
    if (answer === undefined) return;
    whole++;
    assert.equal(answer, await textOf(plain.post('/generate', { ...body, stream: false })), `pair ${number}`);
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const all = [...servers.prefill, ...servers.decode];
      await Promise.all(all.map((server) => server.line(/ready to roll/)));
      const running = Array.from({ length: PAIRS_A_ROUND }, () => one(pick(servers.prefill), pick(servers.decode)));
      await delay(random() * 60);
      const mode = pick(['prefill', 'decode'] as const);
      const victim = pick(servers[mode]);
      victim.child.kill('SIGKILL');
      await Promise.all(running);
      for (const server of all) {
        if (server !== victim) while (!(await isEmpty(await server.url())));
      }
      servers[mode] = servers[mode].map((server) => (server === victim ? start(mode) : server));
    }
  } finally {
    for (const server of [...servers.prefill, ...servers.decode]) await server[Symbol.asyncDispose]();
  }
  assert.ok(whole > 0);
});
