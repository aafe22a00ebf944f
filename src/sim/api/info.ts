import { type ApiCall, sendJson } from './api-call.ts';
import { createdSecs, type SimContext, servedName } from './context.ts';

/** The SGLang version whose API is simulated. */
export const SGLANG_VERSION = '0.5.23';

const MODELS_PATH = '/v1/models/';

/** GET /v1/models. */
export function models(context: SimContext, { response }: ApiCall): void {
  sendJson(response, 200, { object: 'list', data: [modelCard(context)] });
}

/** GET /v1/models/{id}. */
export function model(context: SimContext, { response, path }: ApiCall): void {
  const name = path.slice(MODELS_PATH.length);
  if (name === servedName(context) || name === encodeURIComponent(servedName(context))) {
    sendJson(response, 200, modelCard(context));
    return;
  }
  const message = `The model '${name}' does not exist`;
  sendJson(response, 404, {
    error: { message, type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
  });
}

function modelCard(context: SimContext) {
  const id = servedName(context);
  return {
    id,
    object: 'model',
    created: createdSecs(context),
    owned_by: 'sglang',
    root: id,
    parent: null,
    max_model_len: context.options.contextLength,
  };
}

/** GET /model_info and its older name /get_model_info. */
export function modelInfo(context: SimContext, { response }: ApiCall): void {
  const { modelPath, isEmbedding } = context.options;
  sendJson(response, 200, {
    model_path: modelPath,
    served_model_name: servedName(context),
    tokenizer_path: modelPath,
    is_generation: !isEmbedding,
    preferred_sampling_params: null,
    weight_version: 'default',
    load_format: 'auto',
    reasoning_parser: null,
    tool_call_parser: null,
    disaggregation_mode: context.options.disaggregationMode,
    has_image_understanding: false,
    has_audio_understanding: false,
    model_type: 'simulated',
    architectures: ['SimulatedForCausalLM'],
  });
}

/** GET /server_info and its older name /get_server_info: of a real server's 556 fields those that hold here. */
export function serverInfo(context: SimContext, { response }: ApiCall): void {
  const { options, ranks } = context;
  sendJson(response, 200, {
    ...serverArguments(context),
    launch_command: context.commandLine,
    status: context.ready() ? 'ready' : 'starting',
    max_total_num_tokens: options.maxTotalTokens,
    max_req_input_len: Math.min(options.contextLength, options.maxTotalTokens) - 1,
    kv_events: null,
    internal_states: ranks.map(({ engine, stats }) => ({
      ...serverArguments(context),
      effective_max_running_requests_per_dp: options.maxRunningRequests,
      last_gen_throughput: stats.genThroughput,
      memory_usage: { weight: 0, kvcache: 0, token_capacity: options.maxTotalTokens, graph: 0 },
      num_running_reqs: engine.load.running,
      world_size: 1,
    })),
    version: SGLANG_VERSION,
    frontend: 'simulated',
  });
}

function serverArguments(context: SimContext) {
  const { options } = context;
  return {
    model_path: options.modelPath,
    tokenizer_path: options.modelPath,
    served_model_name: servedName(context),
    context_length: options.contextLength,
    is_embedding: options.isEmbedding,
    max_running_requests: options.maxRunningRequests,
    max_total_tokens: options.maxTotalTokens,
    chunked_prefill_size: options.chunkedPrefillSize,
    schedule_policy: 'fcfs',
    page_size: options.pageSize,
    radix_eviction_policy: 'lru',
    tp_size: 1,
    pp_size: 1,
    dp_size: options.dpSize,
    attn_dp_size: options.enableDpAttention ? options.dpSize : 1,
    load_balance_method: options.disaggregationMode === 'prefill' ? 'follow_bootstrap_room' : 'round_robin',
    base_gpu_id: options.baseGpuId,
    host: options.host,
    port: options.port,
    // A real server shows the key here; there is no reason to do so.
    api_key: null,
    admin_api_key: null,
    weight_version: 'default',
    random_seed: options.randomSeed,
    enable_cache_report: options.enableCacheReport,
    enable_metrics: options.enableMetrics,
    enable_dp_attention: options.enableDpAttention,
    disaggregation_mode: options.disaggregationMode,
    disaggregation_bootstrap_port: context.bootstrapPort(),
    kv_events_config: null,
  };
}
