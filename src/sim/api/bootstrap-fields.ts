import type { Json } from './body.ts';
import { InvalidBodyError, SchedulerCrash } from './errors.ts';

/** What a body says of the other server of its pair, for one prompt. */
export interface BootstrapFields {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly room: bigint | undefined;
}

const MOST_ROOM = 2n ** 64n - 1n;

/**
 * The fields of every prompt: in a list each has its own, otherwise they share host and port and have rooms in a row.
 * Throws InvalidBodyError; Error where a list is shorter than the batch; SchedulerCrash for lists with a single prompt.
 */
export function readBootstrap(bytes: Buffer, body: Json, prompts: number, isBatch: boolean): BootstrapFields[] {
  const hosts = body.bootstrap_host;
  const ports = body.bootstrap_port;
  const rooms = readRooms(bytes, body);
  for (const field of [hosts, ports, rooms]) {
    if (!Array.isArray(field)) continue;
    if (!isBatch) throw new SchedulerCrash("AttributeError: 'list' object has no attribute 'startswith'");
    if (field.length < prompts) throw new Error('IndexError: list index out of range');
  }
  return Array.from({ length: prompts }, (_, i) => {
    const room = Array.isArray(rooms) ? rooms[i] : rooms;
    return {
      host: hostOf(Array.isArray(hosts) ? hosts[i] : hosts),
      port: portOf(Array.isArray(ports) ? ports[i] : ports),
      room: typeof rooms === 'bigint' ? rooms + BigInt(i) : roomOf(room),
    };
  });
}

/** Rooms need 63 bits, of which JSON.parse keeps 53. */
function readRooms(bytes: Buffer, { bootstrap_room: rooms }: Json): unknown {
  if (typeof rooms === 'number') return roomOf(Number.isSafeInteger(rooms) ? rooms : exactRooms(bytes));
  const isInexact = (room: unknown) => typeof room === 'number' && !Number.isSafeInteger(room);
  return Array.isArray(rooms) && rooms.some(isInexact) ? exactRooms(bytes) : rooms;
}

function exactRooms(bytes: Buffer): unknown {
  const exact = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && source !== undefined && /^-?\d{16,}$/.test(source) ? BigInt(source) : value;
  // The types do not know of the third parameter yet.
  return JSON.parse(bytes.toString(), exact as (key: string, value: unknown) => unknown).bootstrap_room;
}

function roomOf(value: unknown): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const room = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
  if (typeof room === 'bigint' && room <= MOST_ROOM) return room;
  throw new InvalidBodyError('int_parsing', 'bootstrap_room', 'Input should be a valid integer');
}

function portOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new InvalidBodyError('int_parsing', 'bootstrap_port', 'Input should be a valid integer');
}

function hostOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new InvalidBodyError('string_type', 'bootstrap_host', 'Input should be a valid string');
}
