import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importanceOf } from '../../../src/launch/screen/importance.ts';

test('levels and exceptions, as servers write them', () => {
  for (const line of [
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
    '[2026-11-21 08:15:43 TP0] ValueError: Loaded weights leave no GPU memory',
    '[2026-11-21 08:15:43] Scheduler hit an exception: Traceback (most recent call last):',
    'ERROR:    [Errno 98] error while attempting to bind on address',
    'Fatal Python error: Segmentation fault',
    'KeyboardInterruptException',
  ]) {
    assert.equal(importanceOf(line), 'error', line);
  }
  assert.equal(importanceOf('[08:15:43] WARNING: max_running_requests is lowered'), 'warning');
  assert.equal(importanceOf('WARN  torch.compile is off'), 'warning');
});

test('what every start prints matters to nobody', () => {
  for (const line of [
    '[2026-11-29 08:09:30] Ignore import error when loading sglang.srt.models.grok: no attribute',
    "/site-packages/sglang/launch_server.py:71: UserWarning: 'python -m sglang.launch_server' is still supported",
    'Traceback (most recent call last):',
    '  File "x.py", line 1, in <module>',
    '[08:15:43] INFO:     127.0.0.1:33904 - "GET /health HTTP/1.1" 503 Service Unavailable',
    '[08:15:43] Decode batch. #running-req: 1, #token: 40, gen throughput (token/s): 12.3',
    `[08:15:43] Receive: text='${'so long a prompt '.repeat(30)} ERROR'`,
  ]) {
    assert.equal(importanceOf(line), undefined, line);
  }
});
