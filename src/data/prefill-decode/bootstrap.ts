import type { BatchSize } from './shape.ts';

/** Where a decode server meets the prefill server that computes its prompt. */
export interface Bootstrap {
  /** Host name or address, without brackets. */
  readonly bootstrapHost: string;
  /** Null where the prefill server was given none: engines then use their own default. */
  readonly bootstrapPort: number | null;
  /** Its data-parallel rank where the router chose one. */
  readonly rank: number | undefined;
}

const HOST = 'bootstrap_host';
const PORT = 'bootstrap_port';
const ROOM = 'bootstrap_room';
const PREFILL_RANK = 'disagg_prefill_dp_rank';

/** What no client may say for itself. */
export const BOOTSTRAP_FIELDS: ReadonlySet<string> = new Set([
  HOST,
  PORT,
  ROOM,
  PREFILL_RANK,
  'bootstrap_pair_key',
  'decode_tp_size',
]);

/** What is taken out of a client's body: also the rank, which both servers would take for their own. */
export const REPLACED_FIELDS: ReadonlySet<string> = new Set([
  ...BOOTSTRAP_FIELDS,
  'routed_dp_rank',
  'data_parallel_rank',
]);

/** The fields that both servers of a pair need, name → JSON text: scalars for one prompt, lists as long as a batch. */
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
