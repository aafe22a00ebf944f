import type { SimOptions } from '../options.ts';
import { type ApiCall, sendJson } from './api-call.ts';
import { chatCompletions } from './chat.ts';
import { completions } from './completions.ts';
import type { SimContext } from './context.ts';
import { abortRequest, flushCache, health, ping } from './control.ts';
import { embeddings } from './embeddings.ts';
import { BadRequestError, type Family } from './errors.ts';
import { generate } from './generate.ts';
import { model, modelInfo, models, serverInfo } from './info.ts';
import { getLoad, loads } from './loads.ts';
import { messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { responses, storedResponse } from './responses.ts';
import { countTokens, detokenize, tokenize } from './tokenize.ts';

/** An endpoint. Only `inference` counts for faults; only `health` may hang with them. */
export interface Route {
  readonly methods: readonly string[];
  readonly kind: 'inference' | 'health' | 'other';
  readonly family: Family;
  readonly handler: (context: SimContext, call: ApiCall) => void | Promise<void>;
}

type Handler = Route['handler'];

const GET = ['GET'];
const POST = ['POST'];
const BOTH = ['GET', 'POST'];

const inference = (family: Family, handler: Handler, methods = POST): Route => ({
  methods,
  kind: 'inference',
  family,
  handler,
});
/** A real embedding model dies of such a request; that is of no use. */
const generating = (family: Family, handler: Handler, methods = POST): Route =>
  inference(
    family,
    (context, call) => {
      if (context.options.isEmbedding) throw new BadRequestError('This is an embedding model: it generates no text.');
      return handler(context, call);
    },
    methods,
  );
const healthCheck: Route = { methods: GET, kind: 'health', family: 'plain', handler: health };
const other = (methods: readonly string[], handler: Handler, family: Family = 'plain'): Route => ({
  methods,
  kind: 'other',
  family,
  handler,
});

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', other(GET, (_context, { response }) => sendJson(response, 200, 'SGLang is running'))],
  ['/generate', generating('generate', generate, ['POST', 'PUT'])],
  ['/v1/chat/completions', generating('openai', chatCompletions)],
  ['/v1/completions', generating('openai', completions)],
  ['/v1/embeddings', inference('openai', embeddings)],
  ['/v1/responses', generating('responses', responses)],
  ['/v1/messages', generating('anthropic', messages)],
  ['/v1/messages/count_tokens', other(POST, countTokens, 'anthropic')],
  ['/v1/tokenize', other(POST, tokenize, 'openai')],
  ['/tokenize', other(POST, tokenize, 'openai')],
  ['/v1/detokenize', other(POST, detokenize, 'openai')],
  ['/detokenize', other(POST, detokenize, 'openai')],
  ['/v1/models', other(GET, models)],
  ['/health', healthCheck],
  ['/health_generate', healthCheck],
  ['/ready', healthCheck],
  ['/ping', other(GET, ping)],
  ['/model_info', other(GET, modelInfo)],
  ['/get_model_info', other(GET, modelInfo)],
  ['/server_info', other(GET, serverInfo)],
  ['/get_server_info', other(GET, serverInfo)],
  ['/v1/loads', other(GET, loads)],
  ['/get_load', other(GET, getLoad)],
  ['/flush_cache', other(BOTH, flushCache)],
  ['/abort_request', other(POST, abortRequest)],
]);

const MODEL: Route = other(GET, model);
const METRICS: Route = other(GET, metrics);
const STORED: Route = other(GET, storedResponse, 'responses');
const CANCEL: Route = other(POST, storedResponse, 'responses');

/** The endpoint at a path; undefined: 404. */
export function routeOf(path: string, { enableMetrics }: SimOptions): Route | undefined {
  if (path.startsWith('/v1/models/')) return MODEL;
  if (path.startsWith('/v1/responses/')) return path.endsWith('/cancel') ? CANCEL : STORED;
  if (path === '/metrics' || path === '/metrics/') return enableMetrics ? METRICS : undefined;
  return ROUTES.get(path);
}
