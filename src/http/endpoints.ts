import type { Endpoint } from './endpoint.ts';

type Traits = Omit<Endpoint, 'path' | 'family'>;

const ASKED: Traits = {
  to: 'one',
  access: 'key',
  errors: 'openai',
  inference: false,
  ofModel: false,
  takesRank: false,
  repeatable: true,
};
const INFERENCE: Traits = { ...ASKED, inference: true, ofModel: true, takesRank: true };
const STRICT_INFERENCE: Traits = { ...INFERENCE, takesRank: false };
/** Endpoints that need the model's facts without running it. */
const COMPUTED: Traits = { ...ASKED, ofModel: true };
/** Endpoints that change something, which must not happen twice. */
const CHANGING: Traits = { ...ASKED, repeatable: false };
/** Endpoints that go to every server, so that all stay alike. */
const TOLD: Traits = { ...CHANGING, to: 'all', access: 'admin' };
const TOLD_OF_MODEL: Traits = { ...TOLD, ofModel: true };
const NEW_WEIGHTS: Traits = { ...TOLD_OF_MODEL, emptiesCache: true };
const OF_RESPONSE: Traits = { ...ASKED, refersTo: ['response'] };
const OF_CONVERSATION: Traits = { ...ASKED, refersTo: ['conversation'] };
const IN_SESSION: Traits = { ...INFERENCE, refersTo: ['session'] };
const OWN = { ...ASKED, to: 'router', access: 'key' } as const;
const PUBLIC = { ...OWN, access: 'public' } as const;
const ADMIN = { ...OWN, access: 'admin' } as const;
const SESSION = { ...OWN, access: 'session' } as const;
/** Endpoints that change, or may change, one engine, and need an admin's key. */
const UNCERTAIN: Traits = { ...CHANGING, access: 'admin' };

/** Stands for paths that are not in the table, as engines gain endpoints with every release; they go to one worker. */
export const OTHER: Endpoint = { path: 'other', family: 'other', ...UNCERTAIN };

/** What the router answers itself, asking workers where it must. */
const OWN_ENDPOINTS = [
  { path: '/', family: 'router', ...PUBLIC },
  { path: '/favicon.ico', family: 'router', ...PUBLIC },
  { path: '/health', family: 'router', ...PUBLIC },
  { path: '/liveness', family: 'router', ...PUBLIC },
  { path: '/readiness', family: 'router', ...PUBLIC },
  { path: '/health_generate', family: 'router', ...PUBLIC },
  { path: '/metrics', family: 'router', ...OWN },
  { path: '/engine_metrics', family: 'info', ...PUBLIC },
  { path: '/v1/models', family: 'info', ...PUBLIC },
  { path: '/v1/models/{model*}', family: 'info', ...PUBLIC },
  { path: '/model_info', family: 'info', ...PUBLIC },
  { path: '/get_model_info', family: 'info', ...PUBLIC },
  { path: '/server_info', family: 'info', ...OWN },
  { path: '/get_server_info', family: 'info', ...OWN },
  { path: '/v1/loads', family: 'info', ...ADMIN },
  { path: '/get_loads', family: 'info', ...ADMIN },
  { path: '/flush_cache', family: 'control', ...ADMIN },
  { path: '/abort_request', family: 'control', ...ADMIN },
  { path: '/router_choices', family: 'router', ...ADMIN },
  { path: '/dashboard', family: 'router', ...PUBLIC },
  { path: '/dashboard/', family: 'router', ...PUBLIC },
  { path: '/dashboard/feed', family: 'router', ...SESSION },
  { path: '/dashboard/snapshot', family: 'router', ...SESSION },
  { path: '/dashboard/actions', family: 'router', ...SESSION },
  { path: '/dashboard/sign-in', family: 'router', ...PUBLIC },
  { path: '/dashboard/sign-out', family: 'router', ...PUBLIC },
  { path: '/dashboard/{file}', family: 'router', ...PUBLIC },
  { path: '/add_worker', family: 'router', ...ADMIN },
  { path: '/remove_worker', family: 'router', ...ADMIN },
  { path: '/list_workers', family: 'router', ...ADMIN },
  { path: '/workers', family: 'router', ...ADMIN, errors: 'flat' },
  { path: '/workers/{worker*}', family: 'router', ...ADMIN, errors: 'flat' },
] as const satisfies readonly Endpoint[];

/** A path that the router answers itself. */
export type OwnPath = (typeof OWN_ENDPOINTS)[number]['path'];

/** Every path that the router knows, of SGLang 0.5, vLLM and sglang-router 0.3.2, with all its traits. Whatever depends on a path is read from here. */
export const ENDPOINTS: readonly Endpoint[] = [
  { path: '/generate', family: 'generate', ...IN_SESSION },
  { path: '/v1/chat/completions', family: 'chat', ...IN_SESSION },
  { path: '/invocations', family: 'chat', ...INFERENCE },
  { path: '/v1/completions', family: 'completions', ...IN_SESSION },
  {
    path: '/v1/responses',
    family: 'responses',
    ...INFERENCE,
    errors: 'responses',
    stores: 'response',
    refersTo: ['response', 'conversation'],
  },
  { path: '/v1/messages', family: 'messages', ...INFERENCE, errors: 'anthropic' },
  { path: '/api/chat', family: 'ollama_chat', ...INFERENCE },
  { path: '/api/generate', family: 'ollama_generate', ...INFERENCE },
  { path: '/vertex_generate', family: 'vertex', ...INFERENCE },
  { path: '/v1/embeddings', family: 'embeddings', ...INFERENCE },
  { path: '/encode', family: 'encode', ...INFERENCE },
  { path: '/classify', family: 'encode', ...INFERENCE },
  { path: '/v1/classify', family: 'classify', ...INFERENCE },
  { path: '/v1/rerank', family: 'rerank', ...INFERENCE },
  { path: '/rerank', family: 'rerank', ...INFERENCE, sentAs: '/v1/rerank' },
  { path: '/v1/score', family: 'score', ...INFERENCE },
  { path: '/v1/decisions', family: 'decisions', ...STRICT_INFERENCE },
  { path: '/v1/systemone', family: 'decisions', ...STRICT_INFERENCE },
  { path: '/v1/audio/transcriptions', family: 'audio', ...STRICT_INFERENCE },
  { path: '/v1/audio/translations', family: 'audio', ...STRICT_INFERENCE },
  { path: '/v1/audio/speech', family: 'audio', ...STRICT_INFERENCE },
  { path: '/v1/images/generations', family: 'images', ...STRICT_INFERENCE },
  { path: '/v1/images/edits', family: 'images', ...STRICT_INFERENCE },
  { path: '/v1/images/variations', family: 'images', ...STRICT_INFERENCE },

  { path: '/tokenize', family: 'tokenize', ...COMPUTED },
  { path: '/v1/tokenize', family: 'tokenize', ...COMPUTED },
  { path: '/detokenize', family: 'tokenize', ...COMPUTED },
  { path: '/v1/detokenize', family: 'tokenize', ...COMPUTED },
  { path: '/v1/messages/count_tokens', family: 'tokenize', ...COMPUTED, errors: 'anthropic' },
  { path: '/parse_function_call', family: 'tokenize', ...ASKED },
  { path: '/separate_reasoning', family: 'tokenize', ...ASKED },

  { path: '/ready', family: 'info', ...ASKED },
  { path: '/ping', family: 'info', ...ASKED },
  { path: '/get_load', family: 'info', ...ASKED },
  { path: '/api/tags', family: 'info', ...ASKED },
  { path: '/api/show', family: 'info', ...COMPUTED },
  { path: '/get_weights_by_name', family: 'info', ...COMPUTED },
  { path: '/remote_instance_transfer_engine_info', family: 'info', ...ASKED },
  { path: '/get_remote_instance_transfer_engine_info', family: 'info', ...ASKED },
  { path: '/get_hicache_l3_cache_layout', family: 'info', ...ASKED },
  { path: '/list_external_corpora', family: 'info', ...ASKED },

  { path: '/v1/responses/{id}', family: 'responses', ...OF_RESPONSE },
  { path: '/v1/responses/{id}/cancel', family: 'responses', ...OF_RESPONSE },
  { path: '/v1/responses/{id}/input_items', family: 'responses', ...OF_RESPONSE },
  { path: '/v1/conversations', family: 'conversations', ...CHANGING, stores: 'conversation' },
  { path: '/v1/conversations/{id}', family: 'conversations', ...OF_CONVERSATION, repeatable: false },
  { path: '/v1/conversations/{id}/items', family: 'conversations', ...OF_CONVERSATION, repeatable: false },
  { path: '/v1/conversations/{id}/items/{item}', family: 'conversations', ...OF_CONVERSATION, repeatable: false },

  { path: '/open_session', family: 'session', ...CHANGING, stores: 'session' },
  { path: '/close_session', family: 'session', ...CHANGING, refersTo: ['session'] },

  { path: '/pause_generation', family: 'control', ...TOLD, reachesDraining: true },
  { path: '/continue_generation', family: 'control', ...TOLD, reachesDraining: true },
  { path: '/update_weights_from_disk', family: 'control', ...NEW_WEIGHTS },
  { path: '/update_weights_from_tensor', family: 'control', ...NEW_WEIGHTS },
  { path: '/update_weights_from_distributed', family: 'control', ...NEW_WEIGHTS },
  { path: '/update_weights_from_ipc', family: 'control', ...NEW_WEIGHTS },
  { path: '/update_weight_version', family: 'control', ...TOLD_OF_MODEL },
  { path: '/begin_weight_update', family: 'control', ...TOLD_OF_MODEL },
  { path: '/end_weight_update', family: 'control', ...NEW_WEIGHTS },
  { path: '/init_weights_update_group', family: 'control', ...TOLD_OF_MODEL },
  { path: '/destroy_weights_update_group', family: 'control', ...TOLD_OF_MODEL },
  { path: '/weights_checker', family: 'control', ...TOLD_OF_MODEL },
  { path: '/load_lora_adapter', family: 'control', ...TOLD_OF_MODEL },
  { path: '/load_lora_adapter_from_tensors', family: 'control', ...TOLD_OF_MODEL },
  { path: '/unload_lora_adapter', family: 'control', ...TOLD_OF_MODEL },
  { path: '/v1/load_lora_adapter', family: 'control', ...TOLD_OF_MODEL },
  { path: '/v1/unload_lora_adapter', family: 'control', ...TOLD_OF_MODEL },
  { path: '/release_memory_occupation', family: 'control', ...TOLD, emptiesCache: true },
  { path: '/resume_memory_occupation', family: 'control', ...TOLD },
  { path: '/sleep', family: 'control', ...TOLD, emptiesCache: true },
  { path: '/wake_up', family: 'control', ...TOLD },
  { path: '/start_profile', family: 'control', ...TOLD },
  { path: '/stop_profile', family: 'control', ...TOLD },
  { path: '/start_expert_distribution_record', family: 'control', ...TOLD },
  { path: '/stop_expert_distribution_record', family: 'control', ...TOLD },
  { path: '/dump_expert_distribution_record', family: 'control', ...TOLD },
  { path: '/set_internal_state', family: 'control', ...TOLD },
  { path: '/set_trace_level', family: 'control', ...TOLD },
  { path: '/configure_logging', family: 'control', ...TOLD },
  { path: '/freeze_gc', family: 'control', ...TOLD },
  { path: '/slow_down', family: 'control', ...TOLD },
  { path: '/scale_elastic_ep', family: 'control', ...TOLD },
  { path: '/is_scaling_elastic_ep', family: 'control', ...TOLD },
  { path: '/add_external_corpus', family: 'control', ...TOLD },
  { path: '/remove_external_corpus', family: 'control', ...TOLD },
  { path: '/hicache/storage-backend', family: 'control', ...TOLD },
  { path: '/hicache/storage-backend/clear', family: 'control', ...TOLD },
  { path: '/dumper/{method}', family: 'control', ...TOLD },
  { path: '/reset_prefix_cache', family: 'control', ...TOLD, emptiesCache: true },
  { path: '/reset_mm_cache', family: 'control', ...TOLD },
  { path: '/collective_rpc', family: 'control', ...TOLD },

  { path: '/pd_role_switch', family: 'other', ...UNCERTAIN },
  { path: '/init_weights_send_group_for_remote_instance', family: 'other', ...UNCERTAIN },
  { path: '/send_weights_to_remote_instance', family: 'other', ...UNCERTAIN },

  ...OWN_ENDPOINTS,
];

/** A row of the table, with the values of the names in its path. */
export interface Found {
  readonly endpoint: Endpoint;
  /** Name in the endpoint's path → text in the request's path. */
  readonly params: Readonly<Record<string, string>>;
}

const NO_PARAMS: Found['params'] = {};
const plain: ReadonlyMap<string, Found> = new Map(
  ENDPOINTS.filter(({ path }) => !path.includes('{')).map((endpoint) => [
    endpoint.path,
    { endpoint, params: NO_PARAMS },
  ]),
);
const patterns = ENDPOINTS.filter(({ path }) => path.includes('{')).map((endpoint) => ({
  endpoint,
  prefix: endpoint.path.split('{', 1)[0] as string,
  pattern: patternOf(endpoint.path),
}));
const UNKNOWN: Found = { endpoint: OTHER, params: NO_PARAMS };

/** Finds the endpoint of a path without query string; `OTHER` for an unknown one. */
export function findEndpoint(path: string): Found {
  const known = plain.get(path);
  if (known) return known;
  for (const { endpoint, prefix, pattern } of patterns) {
    const match = path.startsWith(prefix) ? pattern.exec(path) : null;
    if (match) return { endpoint, params: match.groups ?? NO_PARAMS };
  }
  return UNKNOWN;
}

/** Returns the row with exactly this path. */
export function endpointOf(path: string): Endpoint {
  return findEndpoint(path).endpoint;
}

function patternOf(path: string): RegExp {
  const source = RegExp.escape(path).replace(/\\\{(\w+)(\\\*)?\\\}/g, (_, name, rest) =>
    rest ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`,
  );
  return new RegExp(`^${source}$`);
}
