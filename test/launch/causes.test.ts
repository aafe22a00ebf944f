import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCause, type Stage, saysPortTaken } from '../../src/launch/causes.ts';

/** Lines as SGLang 0.5.23, PyTorch and transformers print them → words that the cause and the hint must have. */
const CASES: readonly { name: string; lines: string[]; stage?: Stage; cause: RegExp; hint?: RegExp }[] = [
  {
    name: 'no GPU',
    lines: [
      'NotImplementedError',
      'During handling of the above exception, another exception occurred:',
      'RuntimeError: No accelerator (CUDA, XPU, HPU, NPU, MUSA, MPS) or platform plugin is available.',
    ],
    cause: /^no usable GPU: RuntimeError: No accelerator/,
    hint: /nvidia-smi/,
  },
  {
    name: 'no driver, with the noise of the processes around it',
    lines: [
      '[2026-11-21 08:21:34] Scheduler hit an exception: Traceback (most recent call last):',
      'RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU',
      '[2026-11-21 08:21:34] Received sigquit from a child process. It usually means the child failed.',
      'RuntimeError: Rank 0 scheduler died during initialization (exit code: -3). If exit code is -9 (SIGKILL), a common',
    ],
    cause: /^no usable GPU: RuntimeError: Found no NVIDIA driver/,
  },
  {
    name: 'a flag that a simulated engine does not know',
    lines: ['error: --sim-bogus: no such flag; --help lists those there are'],
    cause: /^wrong server flags: --sim-bogus: no such flag/,
    hint: /--router-/,
  },
  {
    name: 'bad folder',
    lines: [
      "OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/no/such/model'. Use `repo_type` argument if needed.",
    ],
    cause: /^model not found: there is no folder \/no\/such\/model/,
    hint: /--model-path/,
  },
  {
    name: 'unknown repository',
    lines: [
      "OSError: nobody/nothing is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
    ],
    cause: /^model not found: .*nobody\/nothing/,
    hint: /HF_TOKEN/,
  },
  {
    name: 'repository without network',
    lines: [
      'huggingface_hub.errors.LocalEntryNotFoundError: Cannot find the requested files in the disk cache',
      "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.",
    ],
    cause: /^model not found on this machine, and it could not be downloaded/,
    hint: /HF_HUB_OFFLINE/,
  },
  {
    name: 'gated model',
    lines: [
      'huggingface_hub.errors.GatedRepoError: 401 Client Error.',
      'OSError: You are trying to access a gated repo.',
    ],
    cause: /needs permission/,
    hint: /hf auth login/,
  },
  {
    name: 'weights leave no room',
    lines: ['[TP0] RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: 0.3'],
    cause: /weights leave no room/,
    hint: /^raise --mem-fraction-static/,
  },
  {
    name: 'out of memory while capturing graphs',
    lines: ['Exception: Capture cuda graph failed: CUDA out of memory. Tried to allocate 2.00 GiB.'],
    cause: /capturing CUDA graphs/,
    hint: /^lower --mem-fraction-static/,
  },
  {
    name: 'out of memory at start-up',
    lines: [
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB',
    ],
    cause: /^out of GPU memory at start-up \(2\.00 GiB/,
    hint: /another program/,
  },
  {
    name: 'out of memory while serving',
    lines: ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.'],
    stage: 'running',
    cause: /while serving/,
    hint: /^lower --mem-fraction-static/,
  },
  {
    name: 'router flag without its prefix',
    lines: [
      'usage: sglang serve [-h] --model-path MODEL_PATH',
      'sglang serve: error: unrecognized arguments: --cache-threshold 0.3',
    ],
    cause: /^sglang does not know --cache-threshold 0\.3/,
    hint: /--router-/,
  },
  {
    name: 'missing module, not the import errors of a good start',
    lines: [
      "[2026] Ignore import error when loading sglang.srt.models.inkling: No module named 'cutlass'",
      "ModuleNotFoundError: No module named 'flashinfer'",
    ],
    cause: /No module named 'flashinfer'/,
  },
  {
    name: 'remote code',
    lines: ['ValueError: Please set the option `trust_remote_code=True` to permit loading of this model.'],
    cause: /code of its own/,
    hint: /--trust-remote-code/,
  },
  { name: 'disk full', lines: ['OSError: [Errno 28] No space left on device'], cause: /disk is full/ },
  {
    name: 'NCCL',
    lines: ['torch.distributed.DistBackendError: NCCL error in: /x.cpp:94, unhandled system error'],
    cause: /NCCL/,
    hint: /NCCL_DEBUG/,
  },
  {
    name: 'other CUDA error',
    lines: ['RuntimeError: CUDA error: an illegal memory access was encountered'],
    cause: /illegal memory/,
  },
  {
    name: 'GPU number too high',
    lines: ['torch.AcceleratorError: CUDA error: invalid device ordinal'],
    cause: /GPU number/,
    hint: /--tp-size/,
  },
  {
    name: 'anything else: the exception that started it',
    lines: [
      'AssertionError: SGLANG_CPU_OMP_THREADS_BIND is not set',
      'EOFError: ',
      'RuntimeError: Rank 0 scheduler died during initialization (exit code: -3).',
    ],
    cause: /^AssertionError: SGLANG_CPU_OMP_THREADS_BIND is not set$/,
  },
];

for (const { name, lines, stage = 'starting', cause, hint } of CASES) {
  test(`cause: ${name}`, () => {
    const found = findCause(lines, stage);
    assert.match(found?.text ?? '', cause);
    if (hint) assert.match(found?.hint ?? '', hint);
  });
}

test('a port that is taken is told from all other failures', () => {
  const line =
    "[2026-11-21 08:20:28] ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 31922): address already in use";
  assert.ok(saysPortTaken(line));
  const cause = findCause(['RuntimeError: something after it', line], 'starting');
  assert.equal(cause?.portTaken, true);
  assert.match(cause?.text ?? '', /31922/);
  assert.ok(!saysPortTaken('Port 22001 is already in use, trying port 22002'));
});

test('nothing is made up', () => {
  assert.equal(findCause(['all is well'], 'starting'), undefined);
});
