/**
 * How a request for a worker is treated; what the router answers itself stands in `src/api/index.ts`.
 * - `inference`: admitted (cap and queue), then sent to a worker
 * - `public`: sent to any worker without a key and without admission: what a client may ask before it has one
 * - `other`: sent to any worker, unknown paths included
 */
export type RouteKind = 'inference' | 'public' | 'other';

const open = ['/v1/models', '/get_model_info', '/model_info'];
const inference = [
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
];

const ROUTES: ReadonlyMap<string, RouteKind> = new Map<string, RouteKind>([
  ...open.map((path) => [path, 'public'] as const),
  ...inference.map((path) => [path, 'inference'] as const),
]);

/** The kind of a path without its query string. Engines gain endpoints with every release, so a path not listed goes through. */
export function routeOf(path: string): RouteKind {
  return ROUTES.get(path) ?? 'other';
}
