import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServer } from '../../src/config/launch.ts';
import { resolveRouter } from '../../src/config/resolve.ts';

const PAIR = '--pd-disaggregation --prefill http://p 9000 --decode http://d';

/** What is said at start; nothing where there is nothing to say. */
const NOTICES: Readonly<Record<string, readonly RegExp[]>> = {
  [PAIR]: [],
  [`${PAIR} --prefill-policy bucket`]: [],
  [`${PAIR} --policy random --decode-policy round_robin`]: [],
  [`${PAIR} --prefill-policy random --decode-policy random`]: [],
  [`${PAIR} --policy random --prefill-policy cache_aware --decode-policy round_robin`]: [
    /^--policy random has no effect: --prefill-policy and --decode-policy are given too$/,
  ],
  [`${PAIR} --worker-urls http://w`]: [
    /^--worker-urls has no effect with --pd-disaggregation: .* --prefill and --decode$/,
  ],
  '--pd-disaggregation --prefill http://p': [
    /^no decode server so far \(--decode URL, or POST \/add_worker\?.*worker_type=decode\): requests wait until one is added$/,
  ],
  '--pd-disaggregation': [/^no prefill server so far/, /^no decode server so far/],
  '--pd-disaggregation --workers-file f': [],
  '--worker-urls http://w --prefill http://p --decode-policy random': [
    /^--prefill has no effect without --pd-disaggregation$/,
    /^--decode-policy has no effect without/,
  ],
  [`${PAIR} --dp-aware`]: [],
  '--worker-urls http://w --dp-aware': [],
  '--worker-urls http://w --pd-protocol nixl': [/^--pd-protocol has no effect without --pd-disaggregation$/],
  [`${PAIR} --prefill HTTP://P:80/ 9000`]: [/^--prefill names one server 2 times, as .*: it counts once$/],
  [`${PAIR} --decode http://d:80`]: [
    /^--decode names one server 2 times, as http:\/\/d and http:\/\/d:80: it counts once$/,
  ],
};

for (const [line, said] of Object.entries(NOTICES)) {
  test(`notices: ${line}`, async () => {
    const { notices } = await resolveRouter(line.split(' '), {});
    assert.equal(notices.length, said.length, notices.join('\n'));
    for (const [index, pattern] of said.entries()) assert.match(notices[index] ?? '', pattern);
  });
}

const REFUSED: Readonly<Record<string, RegExp>> = {
  '--prefill http://p:1 90x0': /^--prefill: invalid bootstrap port '90x0': must be a number or 'none'$/,
  '--prefill http://p:1 70000': /^--prefill: expected a whole number between 1 and 65535, got '70000'$/,
  '--pd-disaggregation --prefill http://a --decode http://a:80':
    /^--decode http:\/\/a:80: the same server is given before with --prefill http:\/\/a$/,
  '--pd-disaggregation --prefill http://a 1 --prefill http://a/ 2':
    /^--prefill http:\/\/a: the same server is given before with another bootstrap port$/,
  '--prefill http://p --decode http://d': /^--prefill needs --pd-disaggregation, got it without$/,
  '--pd-disaggregation --decode-policy bucket': /^--decode-policy: expected one of /,
};

for (const [line, message] of Object.entries(REFUSED)) {
  test(`refused: ${line}`, () => assert.rejects(() => resolveRouter(line.split(' '), {}), { code: 'usage', message }));
}

test('a URL with a rank is told how the server is written', async () => {
  await assert.rejects(() => resolveRouter(['--worker-urls', 'http://w:1@0'], {}), {
    message: /^--worker-urls: expected a URL without user, .* got 'http:\/\/w:1@0'$/,
    hint: 'a server with all its ranks is written http://w:1',
  });
});

test('each server of a pair keeps what was said of its port', async () => {
  const line = '--pd-disaggregation --prefill http://a 9000 --prefill http://b --prefill http://c none';
  const { config } = await resolveRouter(line.split(' '), {});
  assert.deepEqual(
    config.prefill.map(({ bootstrapPort }) => bootstrapPort),
    [9000, undefined, null],
  );
});

const launch = (line: string) => resolveServer(['--sim', ...line.split(' ')], {});

test('prefill and decode servers of a launch make a router for both', async () => {
  const { launch: plan, config, notices } = await launch('--router-prefill-size 2 --router-decode-size 1');
  assert.deepEqual({ ...plan.servers }, { regular: 0, prefill: 2, decode: 1 });
  assert.equal(config.pdDisaggregation, true);
  assert.deepEqual(notices, []);
});

test('a role may be served by servers that run already', async () => {
  const { launch: plan, notices } = await launch('--router-prefill-size 1 --router-decode http://d');
  assert.deepEqual({ ...plan.servers }, { regular: 0, prefill: 1, decode: 0 });
  assert.deepEqual(notices, []);
});

test('launched servers are counted by role', async () => {
  const { notices } = await launch('--router-prefill-size 2 --router-decode-size 1 --router-policy power_of_two');
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /^--router-policy power_of_two chooses .*\(--router-decode\), got 1 so far$/);
});

const LAUNCH_REFUSED: Readonly<Record<string, RegExp>> = {
  '--router-prefill-size 2': /^no decode server$/,
  '--router-decode-size 2': /^no prefill server$/,
  '--router-pd-disaggregation': /^--router-pd-disaggregation: no server to start$/,
  '--router-prefill-size 1 --router-decode-size 1 --dp-size 2':
    /^--dp-size does not go with prefill and decode servers$/,
  '--router-prefill-size 1 --router-decode-size 1 --disaggregation-mode prefill':
    /^--disaggregation-mode is set for each server$/,
};

for (const [line, message] of Object.entries(LAUNCH_REFUSED)) {
  test(`refused: launch_server ${line}`, () =>
    assert.rejects(
      () => launch(line),
      (error: Error & { code: string; hint: string }) => {
        assert.match(error.message, message);
        assert.match(error.hint, /--router-(prefill|decode)-size N/);
        return error.code === 'usage';
      },
    ));
}
