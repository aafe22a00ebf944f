/**
 * What is admitted (cap and queue) and then sent to a worker. Every other path goes to a worker as well, at once: engines gain
 * endpoints with every release. What the router answers itself stands in `src/api/index.ts`.
 */
export const INFERENCE_PATHS: readonly string[] = [
  '/generate',
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/classify',
  '/v1/rerank',
  '/rerank',
  '/v1/score',
  '/v1/responses',
  '/v1/messages',
  '/v1/audio/transcriptions',
  '/api/chat',
  '/api/generate',
  '/encode',
  '/classify',
  '/invocations',
  '/vertex_generate',
];

const inference: ReadonlySet<string> = new Set(INFERENCE_PATHS);

/** Whether a path, without its query string, is for inference. */
export function isInference(path: string): boolean {
  return inference.has(path);
}
