import { constants } from 'node:os';
import type { Exit } from './child.ts';

/** Why a server ended, in one line, and what to try. */
export interface Cause {
  readonly text: string;
  readonly hint?: string;
  /** Another program has the port: the same server on another port may well start. */
  readonly portTaken?: boolean;
}

/** While it started, or after it had served: running out of memory asks for opposite remedies. */
export type Stage = 'starting' | 'running';

interface Pattern {
  readonly sign: RegExp;
  readonly only?: Stage;
  readonly text: string | ((match: RegExpExecArray) => string);
  readonly hint?: string;
  readonly portTaken?: boolean;
}

const TRUST = 'add --trust-remote-code if you trust the authors of that repository';
const GATED = 'ask for access on its page, then log in with `hf auth login` or set HF_TOKEN';
const PATH =
  'check --model-path: a folder of this machine with config.json in it, or a repository name such as Qwen/Qwen3-8B';
const NO_GPU =
  'check `nvidia-smi`, the driver, --gpus of the container and CUDA_VISIBLE_DEVICES; to try without a GPU use --sim or, where sglang supports it, --device cpu';
const KILLED =
  'ask the kernel: `dmesg -T | grep -iE "oom|killed process"`; where memory ran out, give the machine or container more, or start fewer servers; else look for who ran `kill -9`';
const FLAGS =
  'flags of the router take the prefix --router- here (--router-policy); all others go to the server: see `python -m sglang.launch_server --help`';

/** Tried in this order on all the last lines: what names the cause comes before what merely follows from it. */
const PATTERNS: readonly Pattern[] = [
  {
    sign: /address already in use|EADDRINUSE|Address in use/i,
    text: (match) => `port in use: ${sentence(match.input)}`,
    hint: 'stop the program that has it, or move the servers with --router-dp-worker-base-port',
    portTaken: true,
  },
  { sign: /error: unrecognized arguments: (.*)/, text: (match) => `sglang does not know ${match[1]}`, hint: FLAGS },
  { sign: /^error: (--\S.*)/, text: (match) => `wrong server flags: ${match[1]}`, hint: FLAGS },
  {
    sign: /^(?:sglang serve|launch_server\.py|sglang|server_process\.py): error: (.*)/,
    text: (match) => `wrong server flags: ${match[1]}`,
    hint: FLAGS,
  },
  {
    sign: /Loaded weights leave no GPU memory|Not enough memory\. Please try to increase --mem-fraction-static/,
    text: (match) => `out of GPU memory: the weights leave no room for the KV cache (${sentence(match.input)})`,
    hint: 'raise --mem-fraction-static, spread the model over more GPUs with --tp-size, take a quantized model, or free the GPU: `nvidia-smi` shows who uses it',
  },
  {
    sign: /Capture cuda graph failed: .*out of memory/is,
    text: 'out of GPU memory while capturing CUDA graphs',
    hint: 'lower --mem-fraction-static (0.8, 0.7) to leave room for them, or lower --cuda-graph-max-bs',
  },
  {
    sign: /torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|HIP out of memory|CUDA error: out of memory/,
    only: 'starting',
    text: (match) => `out of GPU memory at start-up${tried(match.input)}`,
    hint: 'another program may hold the GPU (`nvidia-smi`); else use more GPUs (--tp-size), a quantized model, or a lower --mem-fraction-static when the weights did load',
  },
  {
    sign: /torch\.(?:cuda\.)?OutOfMemoryError|CUDA out of memory|HIP out of memory|CUDA error: out of memory/,
    only: 'running',
    text: (match) => `out of GPU memory while serving${tried(match.input)}`,
    hint: 'lower --mem-fraction-static (0.8, 0.7), --chunked-prefill-size or --max-running-requests',
  },
  {
    sign: /No accelerator \(.*?\).* is available|Found no NVIDIA driver|No CUDA GPUs are available|No HIP GPUs are available|Torch not compiled with CUDA|no CUDA-capable device is detected/,
    text: (match) => `no usable GPU: ${sentence(match.input)}`,
    hint: NO_GPU,
  },
  {
    sign: /CUDA error: invalid device ordinal|Invalid device id/,
    text: 'a GPU number beyond those of this machine was asked for',
    hint: '--dp-size × --tp-size × --pp-size GPUs are needed from --base-gpu-id on; `nvidia-smi -L` lists what is there, CUDA_VISIBLE_DEVICES may hide some',
  },
  {
    sign: /CUDA driver version is insufficient|The NVIDIA driver on your system is too old/,
    text: 'the NVIDIA driver is older than this PyTorch needs',
    hint: 'update the driver, or install a PyTorch built for an older CUDA',
  },
  {
    sign: /gated repo|Access to model .* is restricted|401 Client Error|403 Client Error|GatedRepoError/i,
    text: (match) => `the model needs permission: ${sentence(match.input)}`,
    hint: GATED,
  },
  {
    sign: /Repo id must be in the form[^:]*: '([^']*)'/,
    text: (match) => `model not found: there is no folder ${match[1]}, and it is no repository name`,
    hint: PATH,
  },
  {
    sign: /Repository Not Found|RepositoryNotFoundError|is not a local folder and is not a valid model identifier/,
    text: (match) => `model not found: ${sentence(match.input)}`,
    hint: `${PATH}; a private repository needs HF_TOKEN`,
  },
  {
    sign: /LocalEntryNotFoundError|We couldn't connect to 'https:\/\/huggingface\.co'/,
    text: 'model not found on this machine, and it could not be downloaded',
    hint: `${PATH}; or allow the download: network, HF_ENDPOINT, HF_HUB_OFFLINE`,
  },
  {
    sign: /does not appear to have (?:a file|files?) named|Unrecognized model in|does not recognize this architecture|model architectures .* (?:are|is) not supported/i,
    text: (match) => `not a model that sglang can serve: ${sentence(match.input)}`,
    hint: PATH,
  },
  {
    sign: /set the option `?trust_remote_code=True|--trust-remote-code/,
    text: 'the model brings code of its own that must be allowed first',
    hint: TRUST,
  },
  {
    sign: /No space left on device|Errno 28/,
    text: 'the disk is full',
    hint: 'free some space: models lie in HF_HOME (~/.cache/huggingface), shared memory in /dev/shm',
  },
  {
    sign: /^\s*(?:ModuleNotFoundError|ImportError): (.*)/,
    text: (match) => `the server's Python lacks something or has it in a wrong version: ${match[1]}`,
    hint: 'install sglang again in that Python: `python -m pip install --upgrade sglang`',
  },
  {
    sign: /NCCL error|ncclUnhandledCudaError|ncclSystemError|ncclInternalError/,
    text: (match) => `the GPUs of one server cannot talk to each other (NCCL): ${sentence(match.input)}`,
    hint: 'run once with NCCL_DEBUG=INFO; in a container give it more shared memory (--shm-size 16g); try NCCL_P2P_DISABLE=1',
  },
  {
    sign: /CUDA error: (.*)/,
    text: (match) => `CUDA error: ${match[1]}`,
    hint: 'if it happens again, run once with CUDA_LAUNCH_BLOCKING=1 and look at the whole log',
  },
  {
    sign: /^Killed$|OOM killer|exit code: -9/,
    text: 'one of its processes was killed, often by the kernel for want of memory',
    hint: KILLED,
  },
];

const NATIVE: Cause = {
  text: 'it crashed in native code',
  hint: 'run once with PYTHONFAULTHANDLER=1 to see where; check that driver, torch and sglang fit each other',
};
const TOLD: Cause = {
  text: 'it was told to end by another program or by someone',
  hint: 'look for what sent it: a service manager, a scheduler of jobs, a shell',
};
/** For a server whose log does not tell why it ended. */
const SIGNALS: Readonly<Record<string, Cause>> = {
  SIGKILL: {
    text: 'it was killed, often by the kernel for want of memory',
    hint: KILLED,
  },
  SIGSEGV: NATIVE,
  SIGFPE: NATIVE,
  SIGTRAP: NATIVE,
  SIGABRT: {
    text: 'it gave up in native code, as a failed assertion of CUDA, NCCL or C++ does',
    hint: 'its last log lines tell which as a rule; else run once with PYTHONFAULTHANDLER=1 and NCCL_DEBUG=INFO',
  },
  SIGBUS: {
    text: 'memory that it had mapped was not there, as when shared memory is full',
    hint: 'look at `df /dev/shm`; give a container more of it (--shm-size 16g)',
  },
  SIGILL: {
    text: 'it used an instruction that this CPU does not have',
    hint: 'install torch and sglang built for this machine',
  },
  SIGTERM: TOLD,
  SIGINT: TOLD,
  SIGHUP: TOLD,
};

/** For a server that never ran; the problem as the system says it. */
const NOT_STARTED: readonly (readonly [RegExp, Cause])[] = [
  [
    /EMFILE|ENFILE/,
    {
      text: 'no more files may be opened',
      hint: 'raise the limit (`ulimit -n`; `LimitNOFILE` of systemd): each server takes some six, each connection one',
    },
  ],
  [
    /EAGAIN/,
    {
      text: 'no more processes may be started',
      hint: 'raise the limit (`ulimit -u`; of a container --pids-limit), or start fewer servers',
    },
  ],
  [/ENOMEM/, { text: 'no memory is left to start it', hint: 'start fewer servers, or free some memory' }],
];

/** What the way it ended tells of a server whose log says nothing. */
export function causeOfExit(exit: Exit): Cause | undefined {
  if (exit.kind === 'signal') return SIGNALS[exit.signal];
  if (exit.kind === 'not started') {
    return NOT_STARTED.find(([sign]) => sign.test(exit.problem))?.[1] ?? { text: 'its program cannot be run' };
  }
  // Shells pass a signal on as 128 and its number.
  const signal = Object.keys(SIGNALS).find((name) => exit.code === 128 + constants.signals[name as NodeJS.Signals]);
  if (signal !== undefined) return SIGNALS[signal];
  return exit.code === 0 ? { text: 'it ended by itself, as if it were done' } : undefined;
}

/** `pkg.SomeError: what happened`, as Python ends a traceback. */
const EXCEPTION = /^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)): ?(.*)/;
/** A server survives most exceptions: one that is further back than this did not end it. */
const RECENT_LINES = 200;
/** Exceptions that only report that another process failed; the reason stands elsewhere. */
const CONSEQUENCE = /died during initialization|^EOFError|BrokenPipeError|ConnectionResetError/;

/** Why a server with these last lines ended; undefined when nothing in them says so. */
export function findCause(lines: readonly string[], stage: Stage): Cause | undefined {
  for (const pattern of PATTERNS) {
    if (pattern.only !== undefined && pattern.only !== stage) continue;
    const match = firstMatch(lines, pattern.sign);
    if (match) return causeOf(pattern, match);
  }
  const exceptions = lines.slice(-RECENT_LINES).filter((line) => EXCEPTION.test(line));
  const last = exceptions.findLast((line) => !CONSEQUENCE.test(line)) ?? exceptions.at(-1);
  return last === undefined ? undefined : { text: sentence(last) };
}

/** Uvicorn says so and then hangs instead of ending, so the line itself is the failure. */
export function saysPortTaken(line: string): boolean {
  return /error while attempting to bind on address .*: address already in use/.test(line);
}

function firstMatch(lines: readonly string[], sign: RegExp): RegExpExecArray | undefined {
  for (const line of lines) {
    // SGLang tries every model file and prints harmless lines such as this while it starts well.
    if (line.includes('Ignore import error')) continue;
    const match = sign.exec(line);
    if (match) return match;
  }
  return undefined;
}

function causeOf({ text, hint, portTaken }: Pattern, match: RegExpExecArray): Cause {
  return {
    text: typeof text === 'string' ? text : text(match),
    ...(hint !== undefined && { hint }),
    ...(portTaken && { portTaken }),
  };
}

/** ` (tried to allocate 2.00 GiB)` where PyTorch says how much was missing. */
function tried(line: string): string {
  const amount = /Tried to allocate ([\d.]+ [KMG]iB)/.exec(line)?.[1];
  return amount === undefined ? '' : ` (${amount} more were asked for)`;
}

/** A log line without its time stamp and level, cut where it stops being one line's worth. */
function sentence(line: string): string {
  const text = line
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(/^(?:ERROR|WARNING|INFO|CRITICAL):?\s+/, '')
    .trim();
  return text.length > 240 ? `${text.slice(0, 240)}…` : text;
}
