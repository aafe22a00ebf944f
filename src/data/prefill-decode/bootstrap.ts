import type { BatchSize } from './shape.ts';

/** Where a decode server meets the prefill server that computes its prompt. */
export interface Bootstrap {
  /** Host name or address, without brackets. */
  readonly bootstrapHost: string;
  /** The port; null lets engines use their own default. */
  readonly bootstrapPort: number | null;
  /** The prefill server's data-parallel rank, if the router chose one. */
  readonly rank: number | undefined;
}

const HOST = 'bootstrap_host';
const PORT = 'bootstrap_port';
const ROOM = 'bootstrap_room';
const PREFILL_RANK = 'disagg_prefill_dp_rank';

/** Fields that no client may set. */
export const BOOTSTRAP_FIELDS: ReadonlySet<string> = new Set([
  HOST,
  PORT,
  ROOM,
  PREFILL_RANK,
  'bootstrap_pair_key',
  'decode_tp_size',
]);

/** Fields removed from a client's body, the rank included, which both servers would take for their own. */
export const REPLACED_FIELDS: ReadonlySet<string> = new Set([
  ...BOOTSTRAP_FIELDS,
  'routed_dp_rank',
  'data_parallel_rank',
]);

/** The fields that both servers of a pair need, as name → JSON text: scalars for one prompt, lists for a batch. */
export function bootstrapFields(
  { bootstrapHost, bootstrapPort, rank }: Bootstrap,
  rooms: readonly string[],
  batch: BatchSize,
): ReadonlyMap<string, string> {
  const list = (value: string) => (batch === undefined ? value : `[${rooms.map(() => value).join(',')}]`);
  return new Map([
    [HOST, list(JSON.stringify(bootstrapHost))],
    [PORT, list(String(bootstrapPort))],
    [ROOM, batch === undefined ? String(rooms[0]) : `[${rooms.join(',')}]`],
    ...(rank === undefined ? [] : [[PREFILL_RANK, String(rank)] as const]),
  ]);
}
