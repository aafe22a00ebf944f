/** What SGLang 0.5.23 says of a pair of servers that did not work; `room` is the number under which they were to meet. */

export type Room = bigint;

export const ELSEWHERE = 'Failed due to an unknown reason from another rank';
export const NO_HANDSHAKE = 'Aborted by AbortReq.';
export const DUPLICATE = 'Duplicate or cancelled bootstrap room';

export function noRoom(id: string): string {
  return `Invalid request: Disaggregated request received without bootstrap room id. req.rid='${id}'`;
}

export function prefillFailed(id: string, room: Room, reason: string): string {
  return `Prefill bootstrap failed for request rank=0 req.rid='${id}' req.bootstrap_room=${room} with exception ${transferError(room, reason)}`;
}

export function decodeFailed(stage: 'handshake' | 'transfer', id: string, room: Room, reason: string): string {
  return `Decode ${stage} failed for request rank=0 decode_req.req.rid='${id}' decode_req.req.bootstrap_room=${room} with exception ${transferError(room, reason)}`;
}

export function timedOut(room: Room, secs: number, state: 'Bootstrapping' | 'WaitingForInput'): string {
  return `Request ${room} timed out after ${secs.toFixed(1)}s in KVPoll.${state}`;
}

export function lostPrefill(address: string): string {
  return `Lost connection with prefill instance (bootstrap_addr: ${address})`;
}

export function noSuchRank(rank: number): string {
  return `Could not fetch bootstrap info for: prefill_dp_rank: ${rank} prefill_cp_rank: 0 target_tp_rank: 0 and target_pp_rank 0`;
}

export function roomElsewhere(room: Room, attentionRank: number, ranks: number): string {
  return (
    `follow_bootstrap_room conflict: dispatched to dp_rank ${attentionRank} but bootstrap_room ${room} implies dp_rank ` +
    `${room % BigInt(ranks)}. Set SGLANG_DISAGGREGATION_FORCE_QUERY_PREFILL_DP_RANK=1 to allow mixed routing.`
  );
}

function transferError(room: Room, reason: string): string {
  return `KVTransferError(bootstrap_room=${room}): ${reason}`;
}
