import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'wrong-input-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** A file with that text, and its path. */
function file(name: string, text: string): string {
  const path = join(FOLDER, name);
  writeFileSync(path, text);
  return path;
}

/** A key that no message may show. */
const KEY = 'sk-never-to-be-seen';

interface Wrong {
  /** After `sglang-router`. */
  readonly argv: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** In the one line that says what is wrong. */
  readonly says: readonly (string | RegExp)[];
  readonly hint?: string | RegExp;
}

const router = (line: string, ...says: readonly (string | RegExp)[]): Wrong => ({
  argv: ['router', ...line.split(' ').filter(Boolean)],
  says,
});
const server = (line: string, ...says: readonly (string | RegExp)[]): Wrong => ({
  argv: ['server', ...line.split(' ').filter(Boolean)],
  says,
});
const words = (argv: readonly string[], ...says: readonly (string | RegExp)[]): Wrong => ({ argv, says });
const variable = (name: string, value: string, ...says: readonly (string | RegExp)[]): Wrong => ({
  argv: ['router'],
  env: { [name]: value },
  says: [name, ...says],
});
const hinting = (wrong: Wrong, hint: string | RegExp): Wrong => ({ ...wrong, hint });

const missing = join(FOLDER, 'missing');
let files = 0;
const workers = (text: string) => ['router', '--workers-file', file(`workers-${++files}.txt`, text)];
const ours = (name: string, text: string) => ['router', '--config', file(name, text)];
const config = (name: string, text: string) => ['server', '--sim', '--config', file(name, text)];

const URLS: readonly Wrong[] = [
  router(
    '--worker-urls http://a:99999',
    '--worker-urls: expected a port between 1 and 65535',
    "'99999'",
    'http://a:99999',
  ),
  router('--worker-urls http://a:0', '--worker-urls: expected a port between 1 and 65535', "'0'"),
  router('--worker-urls http://a:80x', '--worker-urls: expected a port', "'80x'"),
  router('--worker-urls http://a:-1', '--worker-urls: expected a port', "'-1'"),
  router('--worker-urls http://', "--worker-urls: expected a host after http://, got 'http://'"),
  router('--worker-urls http://:8000', '--worker-urls: expected a host after http://', "'http://:8000'"),
  router('--worker-urls https:///', '--worker-urls: expected a host after https://'),
  router('--worker-urls http://300.1.1.1:80', '--worker-urls: expected a host name or an address', '300.1.1.1'),
  hinting(router('--worker-urls http://::1:8000', '--worker-urls', 'http://::1:8000'), /brackets: http:\/\/\[::1\]/),
  hinting(
    router('--worker-urls http://a:1,http://b:2', '--worker-urls: expected one URL', 'http://a:1,http://b:2'),
    /spaces .*: http:\/\/a:1 http:\/\/b:2$/,
  ),
  hinting(router('--worker-urls http://a:1,', '--worker-urls: expected one URL', "'http://a:1,'"), /: http:\/\/a:1$/),
  hinting(
    words(['router', '--worker-urls', 'http://a:1 http://b:2'], '--worker-urls: expected one URL'),
    /http:\/\/a:1 http:\/\/b:2$/,
  ),
  words(['router', '--worker-urls', ''], '--worker-urls: expected a URL', 'got none'),
  hinting(router('--worker-urls a:8000', '--worker-urls: expected a URL', "'a:8000'"), 'write http://a:8000'),
  hinting(router('--worker-urls htp://a:8000', '--worker-urls: expected a URL'), 'write http://a:8000'),
  hinting(router('--worker-urls https:/a:8000', '--worker-urls: expected a URL'), 'write https://a:8000'),
  router('--worker-urls tcp://a:1', '--worker-urls: expected a URL', 'tcp://a:1'),
  router('--worker-urls grpc://a:1', '--worker-urls: expected a URL', 'gRPC workers are not supported'),
  router(`--worker-urls http://user:${KEY}@a:1`, '--worker-urls: expected a URL without user', 'http://***@a:1'),
  router(`--worker-urls http://a:1?key=${KEY}`, '--worker-urls: expected a URL without user', 'http://a:1?***'),
  hinting(words(['router', '--worker-urls', '"http://a:1"'], '--worker-urls: expected a URL'), /quotes/),
  words(['router', '--worker-urls', 'http://a\n:1'], '--worker-urls: expected one URL', 'http://a\\u{a}:1'),
  hinting(
    router(
      '--pd-disaggregation --prefill http://a --decode http://A:80/',
      '--decode http://a:80: the same server is given before with --prefill http://a',
    ),
    /either prefill or decode/,
  ),
  router(
    '--pd-disaggregation --prefill http://a 1 --prefill http://a 2',
    '--prefill http://a: the same server',
    'bootstrap port',
  ),
  router(
    '--pd-disaggregation --prefill http://a 70000',
    '--prefill: expected a whole number between 1 and 65535',
    "'70000'",
  ),
  router('--pd-disaggregation --prefill http://a nine', "--prefill: invalid bootstrap port 'nine'"),
  router('--pd-disaggregation --prefill http://a:99999', '--prefill: expected a port', '99999'),
  router('--pd-disaggregation --decode http://a,http://b', '--decode: expected one URL'),
  variable('SGLANG_ROUTER_WORKER_URLS', 'http://a:99999', 'expected a port', '99999'),
  variable('SGLANG_ROUTER_WORKER_URLS', 'a:1 b:2', 'expected a URL', 'a:1'),
];

const NUMBERS: readonly Wrong[] = [
  router('--port 0', "--port: expected a whole number between 1 and 65535, got '0'"),
  router('--port 70000', '--port', "'70000'"),
  router('--port -1', '--port', "'-1'"),
  router('--port 1e3', "--port: expected a whole number, got '1e3'"),
  router('--port 0x10', '--port: expected a whole number', "'0x10'"),
  router('--port 8000.5', '--port: expected a whole number', "'8000.5'"),
  router('--port=', "--port: expected a whole number, got ''"),
  router('--port', '--port: expected a value, got nothing'),
  router('--port --host x', '--port: expected a value, got the flag --host'),
  router('--port 30000,', '--port: expected a whole number', "'30000,'"),
  hinting(words(['router', '--port', '"30000"'], '--port'), /quotes/),
  router('--queue-size 99999999999999999999', '--queue-size: expected a whole number below 2^53'),
  router('--cache-threshold 1.5', "--cache-threshold: expected a number between 0 and 1, got '1.5'"),
  router('--cache-threshold NaN', '--cache-threshold: expected a number', "'NaN'"),
  router('--balance-rel-threshold Infinity', '--balance-rel-threshold: expected a number', "'Infinity'"),
  router('--balance-rel-threshold 1e999', '--balance-rel-threshold: expected a number', "'1e999'"),
  hinting(router('--cache-threshold 50%', '--cache-threshold: expected a number', "'50%'"), 'write 0.5'),
  hinting(
    router('--request-timeout-secs 30s', '--request-timeout-secs: expected a whole number of seconds', "'30s'"),
    'write 30',
  ),
  hinting(router('--request-timeout-secs 5m', '--request-timeout-secs', "'5m'"), 'write 300'),
  hinting(
    router('--retry-max-backoff-ms 2s', '--retry-max-backoff-ms: expected a whole number of milliseconds'),
    'write 2000',
  ),
  router('--max-payload-size 1.5GB', '--max-payload-size: expected a number of bytes or a size', "'1.5GB'"),
  router('--max-payload-size -5', '--max-payload-size', "'-5'"),
  hinting(
    router('--prometheus-duration-buckets 1,2,3', '--prometheus-duration-buckets: expected a number', "'1,2,3'"),
    /spaces/,
  ),
  router('--prometheus-duration-buckets 2 1', '--prometheus-duration-buckets: expected rising numbers', 'got 2 1'),
  variable('SGLANG_ROUTER_PORT', 'eighty', 'expected a whole number', "'eighty'"),
];

const FLAGS: readonly Wrong[] = [
  router('--polcy random', 'unknown flag --polcy; did you mean --policy?'),
  router('--help-al', 'unknown flag --help-al; did you mean --help-all?'),
  router('--worker-url-s http://a', 'unknown flag --worker-url-s; did you mean --worker-urls?'),
  router('--worker_urls http://a', 'unknown flag --worker_urls; did you mean --worker-urls?'),
  router('-port 3', 'unknown flag -port; did you mean --port?'),
  router('--worker x', '--worker could be --worker-urls, --workers-file'),
  router(`--apikey=${KEY}`, 'unknown flag --apikey; did you mean --api-key?'),
  hinting(router('–policy random', "expected a flag that begins with --, got '–policy'"), 'write --policy'),
  hinting(router('--worker-urls http://a —policy=random', "got '—policy'"), 'write --policy'),
  hinting(router('-- --port 3', 'expected flags, got -- alone'), 'leave it out'),
  router('--policy fastest', '--policy: expected one of random, ', "got 'fastest'"),
  router('--policy cache-aware', "got 'cache-aware'; did you mean cache_aware?"),
  router('--policy Round_Robin', "got 'Round_Robin'; did you mean round_robin?"),
  hinting(words(['router', '--policy', '“random”'], '--policy: expected one of'), /quotes/),
  router('--decode-policy bucket --pd-disaggregation', '--decode-policy: expected one of', "'bucket'"),
  router('--log-level verbose', '--log-level: expected one of', "'verbose'"),
  hinting(router('--dp-aware=false', "--dp-aware takes no value, got 'false'"), /leave it out for false/),
  hinting(router('--dp-aware false', "--dp-aware takes no value, got 'false'"), /leave it out for false/),
  router('http://a:1', "unexpected argument 'http://a:1'"),
  router('--port 1 2', "unexpected argument '2'"),
  words(['router', '--port', '1', ''], "unexpected argument ''"),
  hinting(router('--tp 2', '--tp is a flag of launch_server'), /launch_server/),
  hinting(router('--dp-size 2', '--dp-size is a flag of launch_server'), /--worker-urls/),
  router('--sim', '--sim is a flag of launch_server'),
  router('--host http://0.0.0.0', '--host: expected an address', "'http://0.0.0.0'"),
  hinting(
    router('--host 0.0.0.0:8000', '--host: expected an address', "'0.0.0.0:8000'"),
    'write 0.0.0.0, and --port 8000',
  ),
  words(['router', '--host', ' '], '--host: expected an address, got none'),
  router('--prometheus-host 127.0.0.1:9', '--prometheus-host: expected an address'),
  hinting(
    router('--request-id-headers x-a,x-b', '--request-id-headers: expected the name of a header', "'x-a,x-b'"),
    /spaces/,
  ),
  router('--cors-allowed-origins https://a.example,https://b.example', '--cors-allowed-origins: expected an origin'),
  router('--cors-allowed-origins https://a.example,', '--cors-allowed-origins: expected an origin'),
  router('--health-check-endpoint health', '--health-check-endpoint: expected a path', "'health'"),
  words(['router', '--api-key', ''], '--api-key: expected a key, got none'),
  words(['router', '--api-key', `${KEY}\n`], '--api-key: expected a key of printable ASCII characters'),
  words(['router', '--api-key', `${KEY}é`], '--api-key: expected a key of printable ASCII characters'),
  words(['router', '--api-key', KEY, KEY], '--api-key takes one value'),
  words(['router', '--api-key', `-${KEY}`], '--api-key: expected a value, got a word that starts with a dash'),
  variable('SGLANG_ROUTER_DP_AWARE', 'maybe', 'expected true or false', "'maybe'"),
  variable('SGLANG_ROUTER_POLICY', 'cache-aware', 'did you mean cache_aware?'),
  hinting(variable('SGLANG_ROUTER_POLICY', '"random"', 'expected one of'), /quotes/),
  variable('SGLANG_ROUTER_API_KEY', `${KEY}é`, 'expected a key of printable ASCII characters'),
];

const CONTRADICTIONS: readonly Wrong[] = [
  hinting(
    router(
      '--port 8000 --prometheus-port 8000',
      '--prometheus-port: expected another port than that of --port, got 8000',
    ),
    /\/metrics/,
  ),
  router('--host 0.0.0.0 --port 8000 --prometheus-port 8000', '--prometheus-port: expected another port'),
  hinting(
    router('--prefill http://a --decode http://b', '--prefill needs --pd-disaggregation'),
    'add --pd-disaggregation',
  ),
  router(
    '--retry-initial-backoff-ms 20000',
    '--retry-max-backoff-ms: expected at least --retry-initial-backoff-ms (20000), got 10000',
  ),
  router('--queue-timeout-secs 0', '--queue-timeout-secs: expected at least 1 second'),
  router(`--tls-cert-path ${missing}`, '--tls-cert-path needs --tls-key-path'),
  router(`--client-key-path ${missing}`, '--client-key-path needs --client-cert-path'),
  router('--jwt-issuer x', '--jwt-issuer has no effect', '--api-key'),
];

const FILES: readonly Wrong[] = [
  words(['router', '--log-dir', ''], '--log-dir: expected a folder, got none'),
  words(
    ['router', '--log-dir', file('a-file', '')],
    '--log-dir',
    'a-file',
    'something that is no folder has that name',
  ),
  words(
    ['router', '--log-dir', join(FOLDER, 'a-file', 'below')],
    '--log-dir',
    'something that is no folder has that name',
  ),
  words(['server', '--sim', '--router-log-dir', ''], '--router-log-dir: expected a folder, got none'),
  words(['router', '--workers-file', ''], '--workers-file: expected a file, got none'),
  words(['router', '--workers-file', missing], `--workers-file ${missing}: there is no such file or folder`),
  words(['router', '--workers-file', FOLDER], '--workers-file', 'it is a folder, not a file'),
  words(
    ['router', '--workers-file', join(FOLDER, 'a-file', 'below')],
    '--workers-file',
    'a part of that path is a file',
  ),
  words(workers('http://a:1\nb:2\n'), '--workers-file', 'line 2: expected a URL', "'b:2'; write http://b:2"),
  words(workers('http://a:1 http://b:2\n'), '--workers-file', 'line 1: expected one of role=', 'one worker a line'),
  words(workers('http://a:1\nhttp://A:1/\n'), '--workers-file', "line 2: 'http://a:1' is the server of line 1"),
  words(workers('http://a:99999'), '--workers-file', 'line 1: expected a port between 1 and 65535'),
  words(workers('http://a:1 role=both'), '--workers-file', 'line 1: role: expected regular on this router'),
  words(
    workers('http://a:1 api_key_env=NOT_SET'),
    '--workers-file',
    "line 1: api_key_env: expected the name of a variable with a key, but 'NOT_SET'",
  ),
  words(workers('x\n'.repeat(50)), '--workers-file', 'line 5: expected a URL', 'and 45 more lines'),
  words(
    workers(Array.from({ length: 1_025 }, (_, i) => `http://a:${i + 1}\n`).join('')),
    'expected at most 1024 workers, got 1025',
  ),
  words(
    ['router', '--worker-urls', ...Array.from({ length: 1_025 }, (_, i) => `http://a:${i + 1}`)],
    'expected at most 1024 workers, got 1025',
  ),
  words(
    ['router', '--tls-cert-path', missing, '--tls-key-path', missing],
    `--tls-cert-path ${missing}: cannot read it: there is no such file or folder`,
  ),
  words(
    ['router', '--tls-cert-path', FOLDER, '--tls-key-path', missing],
    '--tls-cert-path',
    'it is a folder, not a file',
  ),
  words(
    ['router', '--tls-cert-path', join(FOLDER, 'a-file'), '--tls-key-path', join(FOLDER, 'a-file')],
    '--tls-cert-path',
    'expected a certificate in PEM form',
  ),
  words(['router', '--tls-cert-path', '', '--tls-key-path', missing], '--tls-cert-path: expected a file, got none'),
  words(
    ['router', '--ca-cert-paths', missing],
    `--ca-cert-paths ${missing}: cannot read it: there is no such file or folder`,
  ),
  words(['router', '--ca-cert-paths', ''], '--ca-cert-paths: expected a file, got none'),
  words(
    ['server', '--sim', '--router-workers-file', missing],
    `--router-workers-file ${missing}: there is no such file`,
  ),
  words(
    ['server', '--sim', '--router-tls-cert-path', missing, '--router-tls-key-path', missing],
    `--router-tls-cert-path ${missing}: cannot read it`,
  ),
  words(['server', '--config', missing], `--config ${missing}: cannot read it: there is no such file or folder`),
  words(['server', '--sim', '--config', FOLDER], '--config', 'it is a folder, not a file'),
  words(config('quote.yaml', 'model-path: "abc\n  - :x\n'), '--config', 'line 1: expected a closing quote'),
  words(config('bracket.yaml', 'a: 1\nb: [1,\n 2\n'), '--config', 'line 2: expected a closing bracket'),
  words(config('tab.yaml', 'a:\n\tb: 1\n'), '--config', 'line 2: expected spaces before the text, got a tab'),
  words(config('ini.yaml', `dp-size: 2\napi-key=${KEY}\n`), '--config', 'line 2: expected key: value'),
  words(config('space.yaml', 'dp-size:2\n'), '--config', 'line 1: expected key: value'),
  words(config('value.yaml', 'dp-size: many\n'), 'dp-size in', "expected auto or a whole number, got 'many'"),
  words(['router', '--config', missing], `--config ${missing}: cannot read it: there is no such file or folder`),
  words(['server', '--router-config', FOLDER], `--router-config ${FOLDER}: cannot read it: it is a folder, not a file`),
  words(['router', '--config', '/dev/zero'], '--config /dev/zero: expected a file of at most 1 MB'),
  hinting(
    words(ours('equals.yaml', `port: 1\napi-key=${KEY}\n`), 'equals.yaml: line 2: expected key: value'),
    'a setting is written port: 30000, one a line',
  ),
  words(ours('list.yaml', '- port: 1\n'), 'list.yaml: line 1: expected key: value'),
  words(
    ours('unknown.yaml', '\n# x\npolcy: random\n'),
    'unknown.yaml, line 3: unknown flag --polcy; did you mean --policy?',
  ),
  words(
    ours('prefix.yaml', 'router-policy: random\n'),
    'prefix.yaml, line 1: unknown flag --router-policy; did you mean --policy?',
  ),
  words(ours('launch.yaml', 'dp-size: 2\n'), 'launch.yaml, line 1: --dp-size is a flag of launch_server'),
  words(ours('smg.yaml', 'log-json: true\n'), 'smg.yaml, line 1: --log-json is a flag of smg'),
  words(ours('itself.yaml', 'config: other.yaml\n'), 'itself.yaml, line 1: a file names no further file, got config'),
  hinting(
    words(
      ours('twice.yaml', 'port: 1\npolicy: random\nport: 2\n'),
      'twice.yaml, line 3: port stands twice, before in line 1',
    ),
    'several values of one name are a list: [A, B]',
  ),
  words(
    ours('twice-alias.yaml', 'cache-threshold: 1\ncache-match-threshold: 0.5\n'),
    'line 2: cache-match-threshold stands twice, before in line 1',
  ),
  words(ours('switch.yaml', 'dp-aware: 2\n'), 'dp-aware in', "line 1: expected true or false, got '2'"),
  words(ours('switches.yaml', 'dp-aware: [true]\n'), 'line 1: expected true or false, got a list'),
  words(ours('number.yaml', 'port: true\n'), 'port in', "line 1: expected a whole number, got 'true'"),
  hinting(
    words(ours('unit.yaml', 'queue-timeout-secs: 5m\n'), 'line 1: expected a whole number of seconds'),
    'write 300',
  ),
  words(ours('map.yaml', 'port: {a: 1}\n'), 'port in', 'line 1: expected one value, got a map'),
  words(ours('several.yaml', 'policy:\n  - random\n'), 'policy in', 'line 1: expected one value, got a list'),
  hinting(
    words(ours('none.yaml', 'policy:\n'), 'line 1: expected a value, got none'),
    'leave the line out for the default',
  ),
  words(ours('nested.yaml', 'worker-urls: [[http://a]]\n'), 'line 1: expected a value or a list of values, got a list'),
  hinting(
    words(ours('words.yaml', 'cors-allowed-origins: https://a https://b\n'), 'line 1: expected an origin'),
    'write a list: [A, B]',
  ),
  words(ours('labels.yaml', 'selector: {app: [a]}\n'), 'line 1: expected labels such as {app: worker}', 'got a map'),
  words(ours('prefill.yaml', 'prefill: [{url: http://a}]\n'), 'line 1: expected a list of URL or URL PORT, got a list'),
  words(ours('key.yaml', `api-key: [${KEY}]\n`), 'api-key in', 'line 1: expected one value, got a list'),
  words(ours('alias.yaml', `api-key: *${KEY}\n`), 'alias.yaml: line 1: expected an alias of a value before it'),
  words(ours('colon.yaml', `api-key: ${KEY}: ${KEY}\n`), 'colon.yaml: line 1: expected one value, got a second colon'),
  words(ours('deep.yaml', `port: ${'['.repeat(20_000)}`), 'deep.yaml: line 1: expected lists and maps that nest less'),
  words(
    ['server', '--sim', '--router-config', file('bare.yaml', 'policy: random\n')],
    'bare.yaml, line 1: --policy is a router flag: with launch_server write --router-policy',
  ),
  hinting(
    words(
      ['server', '--router-config', file('theirs.yaml', 'mem-fraction-static: 0.8\n')],
      'theirs.yaml, line 1: unknown flag --mem-fraction-static',
    ),
    /on the command line, or in the file of --config/,
  ),
  words(
    ['bench', '--workload', 'mooncake', '--trace-file', missing],
    `--trace-file ${missing}: there is no such file or folder`,
  ),
  words(['bench', '--workload', 'mooncake', '--trace-file', file('trace.jsonl', '{"a":\n')], '--trace-file', 'line 1'),
];

const SERVERS: readonly Wrong[] = [
  hinting(server('', 'no model to serve'), /--model-path MODEL, or --sim/),
  server('--modl-path x', 'no model to serve; did you mean --model-path by --modl-path?'),
  words(['server', '--model-path', ''], 'no model to serve'),
  server('--sim --dp-size 0', "--dp-size: expected auto or a whole number of at least 1, got '0'"),
  server('--sim --dp two', '--dp-size: expected auto or a whole number', "'two'"),
  server('--sim --dp-size 4 8', "unexpected argument '8'"),
  server('--sim true', "--sim takes no value, got 'true'"),
  server('run --sim', "unexpected argument 'run'"),
  server('--sim --policy random', '--policy is a router flag: with launch_server write --router-policy'),
  server('--sim --router-polcy random', 'unknown flag --router-polcy; did you mean --router-policy?'),
  server('--sim –dp-size 2', "got '–dp-size'"),
  server('--sim --grpc-mode', '--grpc-mode: the router speaks HTTP'),
  server('--sim --sim-startup-sec 3', 'unknown flag --sim-startup-sec; did you mean --sim-startup-secs?'),
  server('--sim --sim-startup-secs soon', '--sim-startup-secs: expected a number', '"soon"'),
  server('--sim --sim-startup-secs', '--sim-startup-secs: expected a value', 'got none'),
  server('--hlp-all', 'unknown flag --hlp-all; did you mean --help-all?'),
  server('--sim --router-port 1', 'unknown flag --router-port; did you mean --port?'),
  server('--sim --worker-urls http://a:99999', '--worker-urls: expected a port'),
  server('--sim --dp-size 1025', 'expected at most 1024 workers, got 1025'),
  server('--sim --router-pd-disaggregation', '--router-pd-disaggregation: no server to start'),
  server('--sim --router-prefill-size 1', 'no decode server'),
  server(
    '--sim --router-prefill-size 1 --router-decode-size 1 --dp-size 2',
    '--dp-size does not go with prefill and decode',
  ),
  words(['server', '--sim', '--api-key', ''], '--api-key: expected a key, got none'),
];

const PROGRAMS: readonly Wrong[] = [
  hinting(words(['serve'], "unknown command 'serve'; did you mean server?"), /server, router, .*sim-engine, bench/),
  words(['lunch'], "unknown command 'lunch'"),
  words([''], "unknown command ''"),
  words(['--worker-urls', 'http://a'], 'expected a command before the flags, got --worker-urls'),
  words(['bench', '--wrkload', 'gsp'], 'unknown flag --wrkload; did you mean --workload?'),
  words(['bench', '--workload', 'gps'], '--workload: expected all or some of gsp, ', 'did you mean gsp?', "'gps'"),
  words(['bench', '--policy', 'cahe_aware'], '--policy: expected one of', 'did you mean cache_aware?'),
  words(['bench', '--policy', ''], '--policy: expected a value, got an empty one'),
  words(['bench', '--router-args', '--polcy random'], '--router-args: unknown flag --polcy; did you mean --policy?'),
  words(['bench', '--engines', '0'], '--engines: expected a whole number of at least 1', "'0'"),
  words(['bench', '--url'], '--url: expected a value, got nothing'),
  words(['bench', '--url', 'http://a:99999'], '--url: expected a port between 1 and 65535'),
  words(['bench', '--url', 'a:1'], '--url: expected', "'a:1'"),
  words(['bench', '--sim-startup-sec', '1'], 'unknown flag --sim-startup-sec; did you mean --sim-startup-secs?'),
  words(['bench', '--api-key', KEY, KEY], '--api-key takes one value'),
  words(['bench', 'gsp'], "expected a flag, got 'gsp'"),
  words(['sim-engine', '--sim-startup-sec', '3'], 'unknown flag --sim-startup-sec; did you mean --sim-startup-secs?'),
  words(['sim-engine', '--port', 'x'], '--port: expected a whole number', '"x"'),
  words(['sim-engine', '--port', '70000'], '--port: expected at most 65535, got 70000'),
  words(['sim-engine', '--port', '--host', 'x'], '--port: expected a value (INT), got the flag --host'),
  words(['sim-engine', '–port', '3'], 'unknown flag –port; did you mean --port?'),
  words(['sim-engine', '--sim-startup-secs', '\n'], '--sim-startup-secs: expected a number', '"\\u{a}"'),
  words(['bench', '\n'], "expected a flag, got '\\u{a}'"),
  words(['router', '--health-check-endpoint', 'a\nb'], "expected a path such as /health, got 'a\\u{a}b'"),
  words(['router', '--workers-file', `${missing}\n`], '\\u{a}: there is no such file'),
  words(['sim-engine', 'x'], 'expected a flag, got "x"'),
];

const ALL = { URLS, NUMBERS, FLAGS, CONTRADICTIONS, FILES, SERVERS, PROGRAMS };

/** What would be left of something that was started. */
const STARTED = ['TCPServerWrap', 'ProcessWrap'];
const startedNow = () => process.getActiveResourcesInfo().filter((kind) => STARTED.includes(kind)).length;

for (const [kind, rows] of Object.entries(ALL)) {
  for (const { argv, env = {}, says, hint } of rows) {
    const shown = [...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv].join(' ');
    const name = JSON.stringify(shown.replaceAll(FOLDER, '').slice(0, 100));
    test(`${kind.toLowerCase()}: ${name}`, async () => {
      const before = startedNow();
      const { code, out, lines } = await run(argv, env);
      assert.equal(code, 2, lines.join('\n'));
      assert.equal(out, '');
      const [error = '', second, ...more] = lines;
      assert.match(error, /^error: /);
      assert.deepEqual(more, [], 'an error is one line, and one for the hint');
      assert.ok(second === undefined || second.startsWith('hint: '), second);
      for (const part of says) {
        if (typeof part === 'string') assert.ok(error.includes(part), `expected ${part} in ${error}`);
        else assert.match(error, part);
      }
      if (hint !== undefined) {
        const told = second?.slice('hint: '.length) ?? '';
        if (typeof hint === 'string') assert.equal(told, hint);
        else assert.match(told, hint);
      }
      assert.ok(!lines.join('\n').includes(KEY), 'a message shows a key');
      assert.equal(startedNow(), before, 'something was started');
    });
  }
}

async function run(argv: readonly string[], env: NodeJS.ProcessEnv) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runProgram('sglang-router', argv, {
    env,
    columns: 100,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  });
  return { code, out: out.join(''), lines: err.join('').trimEnd().split('\n') };
}
