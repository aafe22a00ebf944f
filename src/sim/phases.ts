/** What a server goes through until it is ready, in order. */
export const PHASES = ['weights', 'kv-cache', 'cuda-graphs', 'warm-up'] as const;
export type Phase = (typeof PHASES)[number];
