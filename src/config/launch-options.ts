import { choice, file, flag, int, intOr, key, text } from './spec.ts';

/** `--dp-size auto`: as many servers as the GPUs hold. */
export const AUTO = 'auto';

/** Options of launch_server that neither the router nor a server has. */
export const LAUNCH_OPTIONS = {
  sim: flag({
    flags: ['--sim'],
    group: 'launch',
    help: 'start simulated engines in place of SGLang servers: no GPU, no model',
    brief: 'simulated engines: no GPU, no model',
  }),
  workerBasePort: int({
    flags: ['--router-dp-worker-base-port'],
    group: 'launch',
    default: 31_000,
    min: 1,
    max: 65_535,
    help: "port of the first server; the others' are found above it",
  }),
  prefillSize: int({
    flags: ['--router-prefill-size'],
    group: 'launch',
    default: 0,
    min: 0,
    help: 'prefill servers to start, in place of --dp-size; the router serves with prefill-decode disaggregation then',
  }),
  decodeSize: int({
    flags: ['--router-decode-size'],
    group: 'launch',
    default: 0,
    min: 0,
    help: 'decode servers to start',
  }),
  serveWhen: choice({
    flags: ['--router-serve-when'],
    group: 'launch',
    choices: ['all', 'first'],
    default: 'all',
    help: 'requests are served when all servers are ready, or as soon as the first is; of prefill and decode one each',
  }),
  dryRun: flag({
    flags: ['--dry-run'],
    group: 'launch',
    help: 'print what would be started, with GPUs, ports and where each value comes from, and start nothing',
  }),
  serverLogs: choice({
    flags: ['--router-server-logs'],
    group: 'launch',
    choices: ['auto', 'all', 'important', 'quiet'],
    default: 'auto',
    help: "which lines of the servers are shown; auto is what matters on a terminal, all elsewhere, and the servers' log files have all",
  }),
  readyJson: flag({
    flags: ['--ready-json'],
    group: 'launch',
    help: 'print the line READY {json} for scripts on a terminal too',
  }),
  workerRestarts: int({
    flags: ['--router-worker-restarts'],
    group: 'launch',
    default: 5,
    min: 0,
    help: 'starts that a server which ended gets without becoming ready in between; 0 leaves it down',
  }),
};

/** Flags of a server that the launcher reads. Unless taken, they also go to every server as they came. */
export const SERVER_OPTIONS = {
  serverModelPath: text({
    flags: ['--model-path', '--model'],
    group: 'launch',
    metavar: 'MODEL',
    default: undefined,
    help: 'model to serve',
    brief: 'a folder, or a name on Hugging Face',
  }),
  dpSize: intOr(AUTO, {
    flags: ['--dp-size', '--data-parallel-size'],
    group: 'launch',
    default: 1,
    min: 1,
    metavar: 'N|auto',
    help: 'number of servers to start; auto: as many as there are GPUs for',
    brief: 'servers to start',
  }),
  tpSize: int({
    flags: ['--tp-size', '--tensor-parallel-size'],
    group: 'launch',
    default: 1,
    min: 1,
    help: 'GPUs of each server, tensor parallel',
    brief: 'GPUs of each server',
  }),
  ppSize: int({
    flags: ['--pp-size', '--pipeline-parallel-size'],
    group: 'launch',
    default: 1,
    min: 1,
    help: 'and pipeline parallel',
  }),
  baseGpuId: int({
    flags: ['--base-gpu-id'],
    group: 'launch',
    default: 0,
    min: 0,
    help: 'first GPU of the first server',
  }),
  gpuIdStep: int({ flags: ['--gpu-id-step'], group: 'launch', default: 1, min: 1, help: 'distance between GPUs used' }),
  serverApiKey: key({
    flags: ['--api-key'],
    group: 'launch',
    help: "the servers' own key, which the router sends them",
  }),
  sslCertfile: file({
    flags: ['--ssl-certfile'],
    group: 'launch',
    help: 'certificate of the servers, which speak HTTPS then; for the port that clients use see --router-tls-cert-path',
  }),
  serverConfig: file({
    flags: ['--config'],
    group: 'launch',
    help: 'YAML file with further flags of the servers, as SGLang reads it',
  }),
  device: text({
    flags: ['--device'],
    group: 'launch',
    default: 'cuda',
    help: 'what the servers compute on; GPUs are counted where it is cuda, which AMD has too',
  }),
  nodes: int({
    flags: ['--nnodes'],
    group: 'launch',
    default: 1,
    min: 1,
    help: 'machines of each server; GPUs are counted where it is one',
  }),
};

/** What the launcher sets for each server itself, so that the user's value does not reach them. */
export const TAKEN: ReadonlySet<string> = new Set(['host', 'port', 'dpSize', 'baseGpuId']);

/**
 * The shortest beginning that SGLang's own argparse takes for each flag that is read here: no other of the 561 flags
 * of sglang 0.5.23 begins like it. `--model` is left out, as it only stands for itself.
 */
export const SHORTEST: Readonly<Record<string, string>> = {
  '--host': '--ho',
  '--port': '--po',
  '--model-path': '--model-p',
  '--dp-size': '--dp',
  '--data-parallel-size': '--da',
  '--tp-size': '--tp',
  '--tensor-parallel-size': '--te',
  '--pp-size': '--pp-s',
  '--pipeline-parallel-size': '--pi',
  '--base-gpu-id': '--bas',
  '--gpu-id-step': '--gp',
  '--api-key': '--ap',
  '--ssl-certfile': '--ssl-ce',
  '--config': '--conf',
  '--device': '--dev',
  '--nnodes': '--nn',
};

/** Flags that both the router and sglang 0.5.23 have: without `--router-` they are the servers'. */
export const SERVERS_TOO: ReadonlySet<string> = new Set([
  '--api-key',
  '--chat-template',
  '--config',
  '--enable-trace',
  '--log-level',
  '--model-path',
  '--otlp-traces-endpoint',
  '--reasoning-parser',
  '--tokenizer-path',
  '--tool-call-parser',
]);

/** The flag of the launcher that a router alone is given by mistake; undefined where it is none. */
export function launcherFlag(name: string): string | undefined {
  if (Object.values(LAUNCH_OPTIONS).some(({ flags }) => flags.some((flag) => flag === name))) return name;
  const read = Object.values(SERVER_OPTIONS).flatMap(({ flags }) => flags);
  return read.some((flag) => flag.startsWith(name) && name.startsWith(SHORTEST[flag] ?? flag)) ? name : undefined;
}
