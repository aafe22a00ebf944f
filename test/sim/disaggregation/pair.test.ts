import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SGLANG_PAIR } from '../../fixtures/sglang-pair.ts';
import { shapeOf } from '../../helpers/shape.ts';
import { bootstrapPortOf, type Json, newRoom, pairBody, readEvents, startPair, startSim } from '../../helpers/sim.ts';
import { spawnSim } from '../../helpers/spawn-sim.ts';

const params = (max: number) => ({ max_new_tokens: max });
const BODY = { text: 'the quick brown fox', sampling_params: params(5) };
const CHAT = { model: 'any', messages: [{ role: 'user', content: 'hello there' }], max_tokens: 4 };
const COMPLETION = { model: 'any', prompt: 'hello there', max_tokens: 4 };

const jsons = (answers: readonly Promise<Response>[]): Promise<Json[]> =>
  Promise.all(answers.map(async (answer) => (await answer).json()));

describe('answers of a pair', () => {
  test('prefill gives one token, decode the text of a server that does all', async () => {
    await using pair = await startPair(['--page-size', '1']);
    await using plain = await startSim();
    const whole: Json = await (await plain.post('/generate', BODY)).json();
    await jsons(pair.ask('/generate', BODY));
    const [prefill, decode] = await jsons(pair.ask('/generate', BODY));
    assert.deepEqual(shapeOf(prefill), shapeOf(SGLANG_PAIR.prefill));
    assert.deepEqual(shapeOf(decode), shapeOf(SGLANG_PAIR.decode));
    assert.deepEqual(prefill.meta_info.finish_reason, { type: 'length', length: 0 });
    assert.deepEqual(prefill.output_ids, whole.output_ids.slice(0, 1));
    assert.equal(decode.text, whole.text);
    assert.deepEqual(decode.meta_info.finish_reason, whole.meta_info.finish_reason);
    const cached = [prefill, decode].map((answer) => answer.meta_info.cached_tokens);
    assert.deepEqual(cached, [5, 5]);
  });

  test('both stream', async () => {
    await using pair = await startPair();
    await using plain = await startSim();
    const body = { ...BODY, stream: true };
    const [prefill, decode] = await Promise.all(
      pair.ask('/generate', body).map(async (answer) => readEvents(await answer)),
    );
    const whole = await readEvents(await plain.post('/generate', body));
    assert.deepEqual([prefill?.done, decode?.done], [true, true]);
    assert.equal(prefill?.events.length, 1);
    const steps = (events: Json[]) => events.map(({ text, output_ids: ids }) => ({ text, ids }));
    assert.deepEqual(steps(decode?.events ?? []), steps(whole.events));
  });

  test('the head of a /generate stream does not wait for the other half, that of a chat does', async () => {
    await using pair = await startPair();
    const room = newRoom();
    const generate = pairBody({ ...BODY, stream: true }, pair.bootstrapPort, room);
    const head = await pair.decode.post('/generate', generate);
    assert.equal(head.status, 200);
    const chat = pairBody({ ...CHAT, stream: true }, pair.bootstrapPort, newRoom());
    await assert.rejects(
      pair.decode.post('/v1/chat/completions', chat, { signal: AbortSignal.timeout(200) }),
      /TimeoutError/,
    );
    await pair.prefill.post('/generate', pairBody(BODY, pair.bootstrapPort, room));
    assert.equal((await readEvents(head)).done, true);
  });

  test('log probabilities of the prompt are known to prefill alone, those of the answer to decode', async () => {
    await using pair = await startPair();
    await using plain = await startSim();
    const body = {
      ...BODY,
      sampling_params: params(3),
      return_logprob: true,
      logprob_start_len: 1,
      top_logprobs_num: 1,
      token_ids_logprob: [5],
    };
    const asked = [plain.post('/generate', body), ...pair.ask('/generate', body)];
    const [whole, prefill, decode] = (await jsons(asked)).map((answer) => answer.meta_info);
    const lists = (meta: Json) =>
      Object.fromEntries(Object.entries(meta).filter(([name]) => /_logprobs(_length)?$/.test(name)));
    assert.deepEqual(shapeOf(lists(prefill)), shapeOf(SGLANG_PAIR.prefillLogprobs));
    assert.deepEqual(shapeOf(lists(decode)), shapeOf(SGLANG_PAIR.decodeLogprobs));
    for (const list of ['input_token_logprobs', 'input_top_logprobs', 'input_token_ids_logprobs']) {
      assert.deepEqual([...prefill[list], ...decode[list]], whole[list], list);
    }
    assert.deepEqual(decode.output_token_logprobs, whole.output_token_logprobs);
    assert.equal(prefill.input_token_logprobs.length, 6 - 1);
  });

  test('chat and completions', async () => {
    await using pair = await startPair();
    await using plain = await startSim();
    const [, chat] = await jsons(pair.ask('/v1/chat/completions', { ...CHAT, logprobs: true }));
    const wholeChat: Json = await (await plain.post('/v1/chat/completions', { ...CHAT, logprobs: true })).json();
    assert.deepEqual(chat.choices, wholeChat.choices);
    const echo = { ...COMPLETION, echo: true, logprobs: 1 };
    const [prefill, decode] = await jsons(pair.ask('/v1/completions', echo));
    const whole: Json = await (await plain.post('/v1/completions', echo)).json();
    assert.equal(decode.choices[0].text, whole.choices[0].text);
    assert.equal(prefill.usage.completion_tokens, 1);
    const tokens = (answer: Json) => answer.choices[0].logprobs.tokens;
    assert.deepEqual([...tokens(prefill).slice(0, -1), ...tokens(decode)], tokens(whole));
    const [messages] = await jsons(
      pair.ask('/v1/messages', { model: 'any', max_tokens: 2, messages: CHAT.messages }).slice(1),
    );
    assert.equal(messages.usage.output_tokens, 2);
  });

  test('an answer of no tokens, and one that a stop text ends', async () => {
    await using pair = await startPair();
    await using plain = await startSim();
    const [first, none] = await jsons(pair.ask('/generate', { ...BODY, sampling_params: params(0) }));
    assert.deepEqual([first.output_ids.length, none.output_ids.length], [1, 0]);
    const text = ((await (await plain.post('/generate', BODY)).json()) as Json).text;
    const stopped = { ...BODY, sampling_params: { ...params(5), stop: text.slice(1, 3) } };
    const [prefill, decode] = await jsons(pair.ask('/generate', stopped));
    assert.equal(prefill.text, first.text);
    assert.deepEqual(prefill.meta_info.finish_reason, { type: 'length', length: 0 });
    assert.deepEqual(decode.meta_info.finish_reason, { type: 'stop', matched: text.slice(1, 3) });
  });
});

describe('rooms', () => {
  test('a batch has lists, or scalars and then rooms in a row', async () => {
    await using pair = await startPair();
    await using plain = await startSim();
    const texts = ['one', 'two two', 'three'];
    const body = { text: texts, sampling_params: params(3) };
    const whole: Json = await (await plain.post('/generate', body)).json();
    const first = BigInt(newRoom());
    const rooms = texts.map((_, i) => first + 10n * BigInt(i));
    const fields = {
      bootstrap_host: texts.map(() => '127.0.0.1'),
      bootstrap_port: texts.map(() => pair.bootstrapPort),
    };
    const lists = `${JSON.stringify({ ...body, ...fields }).slice(0, -1)},"bootstrap_room":[${rooms}]}`;
    const listed = await jsons([pair.prefill.post('/generate', lists), pair.decode.post('/generate', lists)]);
    const [, scalars] = await jsons(pair.ask('/generate', body));
    const [, prompts] = await jsons(pair.ask('/v1/completions', { model: 'any', prompt: texts, max_tokens: 3 }));
    const [, single] = await jsons(pair.ask('/generate', { ...body, text: ['one'] }));
    const textsOf = (answers: Json) => answers.map((answer: Json) => answer.text);
    assert.deepEqual(textsOf(listed[1]), textsOf(whole));
    assert.deepEqual(textsOf(scalars), textsOf(whole));
    assert.deepEqual(textsOf(prompts.choices), textsOf(whole));
    assert.deepEqual(textsOf(single), textsOf(whole).slice(0, 1));
    const short = lists.replace(/"bootstrap_room":.*/, '"bootstrap_room":[1]}');
    for (const server of [pair.prefill, pair.decode]) {
      const refused = await server.post('/generate', short);
      assert.deepEqual([refused.status, await refused.text()], [500, 'Internal Server Error']);
    }
  });

  test('rooms that differ only beyond 53 bits are two rooms', async () => {
    await using pair = await startPair();
    const room = BigInt(newRoom());
    const one = pair.ask('/generate', { ...BODY, text: 'one' }, { room: String(room) });
    const other = pair.ask('/generate', { ...BODY, text: 'other' }, { room: String(room + 1n) });
    const texts = (await jsons([...one, ...other])).map((answer) => answer.text);
    await using plain = await startSim();
    const [a, b] = await jsons(['one', 'other'].map((text) => plain.post('/generate', { ...BODY, text })));
    assert.deepEqual([texts[1], texts[3]], [a.text, b.text]);
  });

  test('the same room serves one pair after the other, but not two at once', async () => {
    await using pair = await startPair(['--enable-metrics']);
    const room = newRoom();
    for (let i = 0; i < 3; i++) {
      const answers = await Promise.all(pair.ask('/generate', BODY, { room }));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
    }
    const text = pairBody(BODY, pair.bootstrapPort, room);
    // Either may be the first to arrive; the other one is the second.
    const both = [pair.prefill.post('/generate', text), pair.prefill.post('/generate', text)];
    const second = await Promise.race(both);
    assert.equal(second.status, 500);
    assert.match(((await second.json()) as Json).message, /Duplicate or cancelled bootstrap room/);
    assert.match(await (await pair.prefill.get('/metrics')).text(), /^sim_duplicate_rooms_total 1$/m);
    assert.ok(pair.prefill.lines.some((line) => line.includes(room)));
    assert.equal((await pair.decode.post('/generate', text)).status, 200);
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 500]);
  });

  test('without a room both refuse, each API in its way', async () => {
    await using pair = await startPair();
    for (const server of [pair.prefill, pair.decode]) {
      const generate = await server.post('/generate', { ...BODY, rid: 'p', bootstrap_host: 'x' });
      assert.equal(generate.status, 400);
      assert.deepEqual(await generate.json(), { error: { message: SGLANG_PAIR.noRoom } });
      const chat = await server.post('/v1/chat/completions', { ...CHAT, rid: 'p', bootstrap_room: null });
      assert.equal(chat.status, 400);
      assert.deepEqual(await chat.json(), {
        object: 'error',
        message: SGLANG_PAIR.noRoom,
        type: 'BadRequestError',
        param: null,
        code: 400,
      });
      const stream = await readEvents(await server.post('/generate', { ...BODY, rid: 'p', stream: true }));
      assert.equal(stream.events[0].meta_info.finish_reason.status_code, 400);
      const chatStream = await readEvents(
        await server.post('/v1/chat/completions', { ...CHAT, rid: 'p', stream: true }),
      );
      assert.equal(chatStream.events[0].error.type, 'BAD_REQUEST');
      assert.equal(chatStream.done, true);
    }
  });

  test('what is no room is refused', async () => {
    await using pair = await startPair();
    for (const room of ['"77"', 'true', '5.5', '18446744073709551616', '[1, "2"]']) {
      const response = await pair.decode.post('/generate', pairBody({ ...BODY, text: ['a', 'b'] }, 1, room));
      assert.equal(response.status, 400, room);
      assert.match(((await response.json()) as Json).message, /bootstrap_room/);
    }
  });
});

describe('halves that do not meet', () => {
  test('no decode server: prefill gives up when its time is over', async () => {
    await using pair = await startPair(['--sim-bootstrap-timeout-secs', '0.1']);
    const response = await pair.prefill.post('/generate', pairBody({ ...BODY, rid: 'p' }, pair.bootstrapPort, '7'));
    assert.equal(response.status, 500);
    assert.equal(((await response.json()) as Json).message, SGLANG_PAIR.prefillTimedOut);
  });

  test('no prefill request, or another room: decode gives up when its time is over', async () => {
    await using pair = await startPair(['--sim-waiting-timeout-secs', '0.1', '--sim-bootstrap-timeout-secs', '0.5']);
    const other = pair.prefill.post('/generate', pairBody(BODY, pair.bootstrapPort, '8'));
    const body = pairBody({ ...BODY, rid: 'd' }, pair.bootstrapPort, '7');
    const response = await pair.decode.post('/generate', body);
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), SGLANG_PAIR.decodeFailed);
    const chat = await pair.decode.post(
      '/v1/chat/completions',
      pairBody({ ...CHAT, rid: 'd' }, pair.bootstrapPort, '7'),
    );
    assert.deepEqual(await chat.json(), SGLANG_PAIR.decodeFailed);
    assert.equal((await other).status, 500);
  });

  test('in a stream the failure is an event', async () => {
    await using pair = await startPair(['--sim-waiting-timeout-secs', '0.05']);
    const generate = await pair.decode.post('/generate', pairBody({ ...BODY, stream: true }, pair.bootstrapPort, '7'));
    const { events, done } = await readEvents(generate);
    assert.deepEqual(shapeOf(events), shapeOf([SGLANG_PAIR.decodeFailedEvent]));
    assert.deepEqual([events.length, events[0].meta_info.finish_reason.status_code, done], [1, 500, true]);
    const usage = { stream: true, stream_options: { include_usage: true } };
    for (const [path, body] of [
      ['/v1/chat/completions', CHAT],
      ['/v1/completions', COMPLETION],
    ] as const) {
      const answer = await pair.decode.post(path, pairBody({ ...body, ...usage }, pair.bootstrapPort, '7'));
      const stream = await readEvents(answer);
      assert.deepEqual(shapeOf(stream.events[0]), shapeOf(SGLANG_PAIR.decodeFailedChatEvent), path);
      assert.equal(stream.events[1].usage.completion_tokens, 0);
      assert.deepEqual([stream.events.length, stream.done], [2, true]);
    }
  });

  test('nobody at the port: decode tries for a while', async () => {
    await using pair = await startPair(['--sim-handshake-secs', '0.1']);
    const response = await pair.decode.post('/generate', pairBody({ ...BODY, rid: 'd' }, 1, '7'));
    assert.equal(response.status, 500);
    assert.equal(((await response.json()) as Json).message, SGLANG_PAIR.decodeUnreachable);
    await using elsewhere = await startSim();
    const wrong = Number(new URL(elsewhere.url).port);
    const refused = await pair.decode.post('/generate', pairBody({ ...BODY, rid: 'd' }, wrong, '7'));
    assert.equal(((await refused.json()) as Json).message, SGLANG_PAIR.decodeUnreachable);
  });

  test('a prefill server that dies while it computes: decode notices after a while', async () => {
    const flags = ['--disaggregation-mode', 'prefill', '--disaggregation-bootstrap-port', '0'];
    await using prefill = spawnSim([...flags, '--sim-prefill-tokens-per-sec', '100']);
    await using decode = await startSim(['--disaggregation-mode', 'decode', '--sim-heartbeat-secs', '0.1']);
    const url = await prefill.url();
    const port = bootstrapPortOf(prefill.lines);
    const body = pairBody({ input_ids: Array(5000).fill(7), rid: 'd' }, port, '7');
    const first = fetch(`${url}/generate`, { method: 'POST', body });
    const second = decode.post('/generate', body);
    const running = async () => ((await (await fetch(`${url}/v1/loads`)).json()) as Json).loads[0].num_running_reqs;
    while ((await running()) === 0);
    prefill.child.kill('SIGKILL');
    await assert.rejects(first);
    assert.equal(
      ((await (await second).json()) as Json).message,
      SGLANG_PAIR.lostPrefill.replace('38998', String(port)),
    );
  });

  test('room 0 and several answers to one prompt: prefill answers, decode never has its prompt', async () => {
    await using pair = await startPair(['--sim-waiting-timeout-secs', '0.2']);
    for (const [path, body, room] of [
      ['/generate', BODY, '0'],
      ['/generate', { ...BODY, sampling_params: { ...params(3), n: 2 } }, newRoom()],
      ['/v1/chat/completions', { ...CHAT, n: 2 }, newRoom()],
    ] as const) {
      const [prefill, decode] = await Promise.all(pair.ask(path, body, { room }));
      assert.equal(prefill.status, 200, path);
      assert.equal(decode.status, 500, path);
      assert.match(((await decode.json()) as Json).message, /timed out after 0\.2s in KVPoll\.WaitingForInput/);
    }
  });

  test('what ends a real server ends this one', async () => {
    const lists = { bootstrap_host: ['127.0.0.1'], bootstrap_port: [1], bootstrap_room: [5] };
    for (const [side, body] of [
      ['prefill', pairBody(BODY, 1, '-5')],
      ['decode', JSON.stringify({ ...BODY, bootstrap_port: 1, bootstrap_room: 5 })],
      ['prefill', JSON.stringify({ ...BODY, ...lists })],
      ['decode', JSON.stringify({ ...BODY, ...lists })],
    ] as const) {
      await using pair = await startPair();
      await assert.rejects(pair[side].post('/generate', body), /fetch failed/);
      await pair[side].died;
      assert.ok(pair[side].lines.some((line) => line.startsWith('Scheduler hit an exception')));
    }
  });
});

describe('clients that leave', () => {
  const load = async (server: { get(path: string): Promise<Response> }) =>
    ((await (await server.get('/v1/loads')).json()) as Json).loads[0];

  test('the prefill client: decode is told', async () => {
    await using pair = await startPair();
    const gone = new AbortController();
    const prefill = pair.prefill.post('/generate', pairBody({ text: 'x' }, pair.bootstrapPort, '7'), {
      signal: gone.signal,
    });
    while ((await load(pair.prefill)).disaggregation.prefill_bootstrap_queue_reqs === 0);
    gone.abort();
    await assert.rejects(prefill);
    while ((await load(pair.prefill)).disaggregation.prefill_bootstrap_queue_reqs > 0);
    const slow = { input_ids: Array(5000).fill(7), sampling_params: params(2) };
    await using busy = await startPair(['--sim-prefill-tokens-per-sec', '1000']);
    const leaves = new AbortController();
    const [first, second] = busy.ask('/generate', slow, { prefill: { signal: leaves.signal } });
    while ((await load(busy.prefill)).num_running_reqs === 0);
    leaves.abort();
    await assert.rejects(first);
    const answer = await second;
    assert.equal(answer.status, 500);
    assert.match(((await answer.json()) as Json).message, /^Decode transfer failed.*unknown reason from another rank$/);
    assert.equal((await load(busy.prefill)).num_running_reqs, 0);
  });

  test('the decode client: prefill is told, whether its request is there or still comes', async () => {
    await using pair = await startPair(['--sim-prefill-tokens-per-sec', '1000', '--enable-metrics']);
    const gone = new AbortController();
    const slow = { input_ids: Array(5000).fill(7), sampling_params: params(2) };
    const [prefill, decode] = pair.ask('/generate', slow, { decode: { signal: gone.signal } });
    while ((await load(pair.prefill)).num_running_reqs === 0);
    gone.abort();
    await assert.rejects(decode);
    assert.match(((await (await prefill).json()) as Json).message, /^Prefill bootstrap failed.*another rank$/);
    const leaves = new AbortController();
    const early = pair.decode.post('/generate', pairBody(BODY, pair.bootstrapPort, '7'), { signal: leaves.signal });
    const openRooms = async () =>
      /^sim_open_rooms (\d+)$/m.exec(await (await pair.prefill.get('/metrics')).text())?.[1];
    while ((await openRooms()) === '0');
    leaves.abort();
    await assert.rejects(early);
    while ((await openRooms()) !== '0');
    assert.equal((await load(pair.decode)).disaggregation.decode_transfer_queue_reqs, 0);
    const late = await pair.prefill.post('/generate', pairBody(BODY, pair.bootstrapPort, '7'));
    assert.match(((await late.json()) as Json).message, /^Prefill bootstrap failed.*another rank$/);
  });
});

test('each half does only its work', async () => {
  await using pair = await startPair(['--page-size', '1']);
  await jsons(pair.ask('/generate', BODY));
  const [, again] = await jsons(pair.ask('/generate', BODY));
  assert.equal(again.meta_info.cached_tokens, 5);
  const [prefill, decode] = (await jsons([pair.prefill.get('/v1/loads'), pair.decode.get('/v1/loads')])).map(
    (answer) => answer.loads[0],
  );
  assert.deepEqual([prefill.total_prefill_uncached_tokens, prefill.decode_moments], [6 + 1, null]);
  assert.equal(decode.total_prefill_uncached_tokens, 0);
  assert.equal(decode.decode_moments[5], 2 * 4);
  assert.deepEqual([prefill.disaggregation.mode, decode.disaggregation.mode], ['prefill', 'decode']);
});

test('both say what they are', async () => {
  await using pair = await startPair(['--enable-metrics']);
  for (const mode of ['prefill', 'decode'] as const) {
    const [info, model] = await jsons([pair[mode].get('/server_info'), pair[mode].get('/model_info')]);
    assert.deepEqual([info.disaggregation_mode, model.disaggregation_mode], [mode, mode]);
    assert.match(await (await pair[mode].get('/metrics')).text(), new RegExp(`engine_type="${mode}"`));
    assert.equal((await pair[mode].get('/health')).status, 200);
  }
  const info: Json = await (await pair.prefill.get('/server_info')).json();
  assert.equal(info.disaggregation_bootstrap_port, pair.bootstrapPort);
  const bootstrap = `http://127.0.0.1:${pair.bootstrapPort}`;
  assert.equal(await (await fetch(`${bootstrap}/health`)).text(), 'OK');
  assert.equal(((await (await fetch(`${bootstrap}/route`)).json()) as Json).dp_size, 1);
  assert.equal((await fetch(`${bootstrap}/nope`)).status, 404);
});
