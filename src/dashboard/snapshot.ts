import Type from 'typebox';

const number = (description: string) => Type.Number({ description });
const text = (description: string) => Type.String({ description });
/** Null where it is not known. */
const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const milliseconds = (description: string) =>
  Type.Object(
    {
      p50: orNull(number('Half of them took at most so many milliseconds')),
      p99: orNull(number('99 of 100 took at most so many milliseconds')),
    },
    { description: `${description}; null where there was none` },
  );

const share = (description: string) => Type.Number({ description, minimum: 0, maximum: 1 });

const hits = (description: string) =>
  Type.Object(
    {
      predicted: share('As the policy predicted it'),
      actual: share('As the engines say'),
    },
    { description },
  );

const TRAFFIC = Type.Object(
  {
    requestsPerSec: number('Requests that ended in a second; those that the router answers itself do not count'),
    errorsPerSec: number('Those of them that ended in an error: a status of 400 or above, or an answer that broke off'),
    promptTokensPerSec: number('Prompt tokens in a second, as the engines count them'),
    outputTokensPerSec: number('Generated tokens in a second, as the engines count them'),
    latencyMs: milliseconds('From the head of a request to the last byte of its answer'),
    ttftMs: milliseconds('From the head of a request to the first byte of its streamed answer'),
    itlMs: milliseconds('Between two chunks of a streamed answer'),
    hitRate: orNull(hits('Prompt tokens that were cached, of all whose answers tell; null where none did')),
  },
  { description: 'What became of requests' },
);

const WORKER = Type.Object({
  id: text('UUID'),
  url: text('Address, which is its name'),
  role: text('regular, prefill or decode'),
  model: text('What it serves; `unknown` where it does not tell'),
  source: text('Who named it: static, api, file, launch, kubernetes or dns'),
  state: text('starting, ready, unhealthy, failed or draining'),
  available: Type.Boolean({ description: 'It may receive requests' }),
  problem: orNull(text('Why it does not get its share of the requests')),
  inFlight: number('Requests that this router has there'),
  ranks: Type.Array(number('Requests in flight on one data-parallel rank'), {
    description: 'Where requests are routed to ranks',
  }),
  running: orNull(number('Requests that it computes, by its own count')),
  queued: orNull(number('Requests that wait there, by its own count')),
  kvUse: orNull(share('Share of its KV cache that requests hold, by its own count')),
  kvCapacityTokens: orNull(number('Tokens that its KV cache can hold')),
  requestsPerSec: number('Times that it was asked in a second'),
  failures: number('Calls to it that failed, answers with a status of 500 or above and answers that broke off'),
  ttftMs: milliseconds('From the head of a request to the first byte of its streamed answer'),
  itlMs: milliseconds('Between two chunks of a streamed answer'),
  hitRate: orNull(hits('Prompt tokens that were cached there; null where no answer told')),
});

const SERVER = Type.Object({
  name: text('As in its log file: w0, w1, …'),
  url: text('Where it listens'),
  state: Type.Union([Type.Literal('starting'), Type.Literal('ready'), Type.Literal('ended')]),
  phase: text('What its start is at: weights, KV cache, CUDA graphs, warm-up, …'),
  progress: orNull(share('Share of that phase that is done; null where the server does not say')),
  share: share('Share of the whole start that is done'),
  elapsedSecs: number('Since its start; until it was ready when it is'),
  starts: number('How often it was started'),
});

const DECISION = Type.Object({
  time: text('When the worker was chosen, ISO 8601'),
  request: text('Id of the request, as in its header x-request-id and in the log'),
  route: text('Path of the request, as docs/paths.md has it'),
  model: orNull(text('As the request names it, 80 characters at most')),
  attempt: number('1 for the first worker that was asked'),
  worker: text('URL of the worker'),
  policy: text('Who chose it'),
  reason: text('Which rule of the policy decided; docs/policies.md'),
  predictedHit: orNull(share('Share of the prompt that the policy expects to be cached there')),
  actualHit: orNull(share('Share of the prompt that was cached, as the engine says')),
  state: Type.Union([Type.Literal('running'), Type.Literal('tried again'), Type.Literal('ended')], {
    description: 'tried again: this attempt failed, and another worker was asked',
  }),
  status: orNull(number('HTTP status that the client has, 0 where it left before; null unless the request has ended')),
  error: orNull(text('Code of the error that the router answered or ended the answer with')),
  ttftMs: orNull(number('To the first byte of the answer')),
  totalMs: orNull(number('To the end of the request')),
  scores: Type.Array(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])), {
    description: 'What the policy compared, a row a worker, 8 at most; of ten decisions a second at most',
  }),
});

const ERROR = Type.Object({
  cause: text('Code of the error, or the HTTP status'),
  seenBy: Type.Union([Type.Literal('client'), Type.Literal('router')], {
    description:
      'client: an answer that a client had. router: a call to a worker, which may have been answered by another one',
  }),
  worker: orNull(text('URL of the worker, where one is known')),
  count: number('In the last `windowSecs`'),
  total: number('Since the router started, or the worker was added'),
});

/** What the dashboard, `top` and `ps` show: the router at one moment. */
export const SNAPSHOT = Type.Object(
  {
    format: Type.Literal(1, { description: 'Changes when a field changes its meaning or goes; fields may be added' }),
    time: text('ISO 8601'),
    windowSecs: number('Time that rates, percentiles and counts are over'),
    router: Type.Object({
      version: text('Of sglang-router'),
      startedAt: text('ISO 8601'),
      state: Type.Union([
        Type.Literal('starting'),
        Type.Literal('serving'),
        Type.Literal('no workers'),
        Type.Literal('draining'),
      ]),
      policies: Type.Record(Type.String(), Type.String(), { description: 'Role → policy' }),
      inFlight: number('Requests that hold a place under --max-concurrent-requests'),
      queued: number('Requests that wait for a place or for a worker'),
      connections: number('Open connections of clients'),
    }),
    traffic: TRAFFIC,
    lastSecond: orNull(TRAFFIC),
    workers: Type.Array(WORKER),
    servers: Type.Array(SERVER, { description: 'Those that were started with the router' }),
    decisions: Type.Array(DECISION, {
      description: 'The last choices of a worker, the newest first; only those since somebody looks',
    }),
    errors: Type.Array(ERROR, { description: 'Errors by cause, the most frequent first' }),
    failedAdditions: Type.Array(
      Type.Object({ time: text('ISO 8601'), url: text('Worker'), problem: text('Why it was not added') }),
      { description: 'Workers that could not be added, for five minutes' },
    ),
    rollingRestart: Type.Union([Type.Literal('possible'), Type.Literal('running'), Type.Literal('not possible')], {
      description: 'Whether the servers can be started again one after the other',
    }),
  },
  { title: 'sglang-launch ps --json' },
);

export type Snapshot = Type.Static<typeof SNAPSHOT>;
export type TrafficView = Snapshot['traffic'];
export type WorkerView = Snapshot['workers'][number];
export type ServerView = Snapshot['servers'][number];
export type DecisionView = Snapshot['decisions'][number];
export type ErrorView = Snapshot['errors'][number];
export type Percentiles = TrafficView['latencyMs'];
