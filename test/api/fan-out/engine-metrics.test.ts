import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineMetrics } from '../../../src/api/fan-out/engine-metrics.ts';
import { parseScrape, scraped } from '../../helpers/prometheus.ts';

const OLD = `# HELP sglang:num_running_reqs Running requests.
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="tiny",tp_rank="0"} 2.0
# HELP sglang:prompt_tokens_total Prompt tokens.
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="tiny"} 374.0
`;
const NEW = `# HELP sglang_num_running_reqs The same, said otherwise.
# TYPE sglang_num_running_reqs gauge
sglang_num_running_reqs{model_name="tiny",tp_rank="0"} 5.0
# HELP sglang_ttft_seconds Time.
# TYPE sglang_ttft_seconds histogram
sglang_ttft_seconds_bucket{le="0.1"} 1
sglang_ttft_seconds_bucket{le="+Inf"} 2
sglang_ttft_seconds_sum 0.5
sglang_ttft_seconds_count 2
# HELP process_cpu_seconds_total CPU.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 1e+02
`;
function merged(...answers: readonly (readonly [worker: string, text: string])[]): string {
  const metrics = new EngineMetrics();
  for (const [worker, text] of answers) metrics.add(worker, text);
  return metrics.render();
}

const [A, B] = ['http://a:1', 'http://b:1'];

test('engines old and new become one scrape, each sample with its worker', () => {
  const families = parseScrape(merged([A, OLD], [B, NEW]));
  const of = (name: string, worker: string) => scraped(families, name, { worker_addr: worker });
  for (const name of ['sglang_num_running_reqs', 'sglang:num_running_reqs']) {
    assert.equal(of(name, A), 2);
    assert.equal(of(name, B), 5);
    assert.equal(families.get(name)?.help, 'Running requests.');
  }
  assert.equal(of('sglang:prompt_tokens_total', A), 374);
  assert.equal(of('sglang_prompt_tokens_total', A), 374);
  assert.equal(scraped(families, 'sglang:ttft_seconds_bucket', { worker_addr: B, le: '+Inf' }), 2);
  assert.equal(of('process_cpu_seconds_total', B), 100);
});

test('labels stay, and a worker_addr that is there already is not doubled', () => {
  const text = 'a{x="1, {y}"} 1\nb{worker_addr="inner"} 2\nc{} 3\n';
  assert.equal(
    merged(['w"\\', text]),
    'a{worker_addr="w\\"\\\\",x="1, {y}"} 1\nb{worker_addr="inner"} 2\nc{worker_addr="w\\"\\\\"} 3\n',
  );
});

test('a sample under both names counts once, CRLF ends a line, and who disagrees on a type is left out', () => {
  const text = (type: string) =>
    `# TYPE sglang:x ${type}\r\nsglang:x{my_worker_addr="m"} 1\r\nsglang_x{my_worker_addr="m"} 1\r\n`;
  assert.equal(
    merged([A, text('gauge')]).match(/^sglang_x\{worker_addr="http:\/\/a:1",my_worker_addr="m"\} 1$/gm)?.length,
    1,
  );
  assert.doesNotMatch(merged([A, text('gauge')], [B, text('counter')]), /http:\/\/b:1/);
});

test('what is not in the format of Prometheus is left out', () => {
  const text = '<html>\nup 1\nnot a number\nnan_is NaN\ninf +Inf 1700000000\n# EOF\n';
  assert.deepEqual(
    merged([A, text])
      .split('\n')
      .map((line) => line.split('{')[0]),
    ['up', 'nan_is', 'inf', ''],
  );
  assert.equal(merged(), '');
});
