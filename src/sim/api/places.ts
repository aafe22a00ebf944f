import { KvReceiver } from '../disaggregation/kv-receiver.ts';
import { type Rendezvous, Visit } from '../disaggregation/rendezvous.ts';
import { noRoom, roomElsewhere } from '../disaggregation/words.ts';
import type { Meeting } from '../job.ts';
import type { Rank } from '../rank.ts';
import type { ApiCall } from './api-call.ts';
import { type Json, optionalInteger } from './body.ts';
import { type BootstrapFields, readBootstrap } from './bootstrap-fields.ts';
import type { SimContext } from './context.ts';
import { BadRequestError, SchedulerCrash } from './errors.ts';

/** Which engine does a job, and in a pair of servers how it meets the other one. */
export interface Place {
  readonly rank: Rank;
  readonly meeting: Meeting | undefined;
}

/** The prompts of a request. */
interface PromptCount {
  readonly prompts: number;
  /** Answers to each. */
  readonly copies: number;
  /** They came as a list, of whatever length. */
  readonly isBatch: boolean;
}

export const ONE_PROMPT: PromptCount = { prompts: 1, copies: 1, isBatch: false };

/** A place for every answer, those to one prompt in a row. Throws what `readBootstrap` throws, and BadRequestError on a wrong rank. */
export function findPlaces(context: SimContext, call: ApiCall, body: Json, count: PromptCount): readonly Place[] {
  const { options, ranks, rendezvous } = context;
  const routed = routedRank(context, call, body);
  const takeTurns = () => ranks[routed ?? context.turns.next++ % ranks.length] as Rank;
  const { prompts, copies, isBatch } = count;
  const eachCopy = (place: () => Place) => Array.from({ length: copies }, place);
  if (options.disaggregationMode === 'null') {
    return Array.from({ length: prompts * copies }, () => ({ rank: takeTurns(), meeting: undefined }));
  }
  const fields = readBootstrap(call.body, body, prompts, isBatch || copies > 1);
  const prefillRank = optionalInteger(body, 'disagg_prefill_dp_rank');
  return fields.flatMap((bootstrap) => {
    if (rendezvous) {
      const place = prefillPlace(context, rendezvous, { bootstrap, routed, prefillRank, copies });
      return eachCopy(() => place);
    }
    const rank = takeTurns();
    const meeting = decodeMeeting(context, rank, { bootstrap, prefillRank, copies });
    return eachCopy(() => ({ rank, meeting }));
  });
}

interface Wish {
  readonly bootstrap: BootstrapFields;
  /** The engine of the prefill server, where the body names it. */
  readonly prefillRank: number | undefined;
  readonly copies: number;
}

/** The room decides the engine, but the body may name another, which its decode server must then be told as well. */
function prefillPlace(
  { options, ranks }: SimContext,
  rendezvous: Rendezvous,
  { bootstrap: { room }, routed, prefillRank, copies }: Wish & { readonly routed: number | undefined },
): Place {
  if (room === undefined) return { rank: ranks[routed ?? 0] as Rank, meeting: roomless('prefill', ranks) };
  if (room < 0n) throw new SchedulerCrash("OverflowError: can't convert negative int to unsigned");
  const implied = Number(room % BigInt(ranks.length));
  const index = routed ?? implied;
  const attentionRank = options.enableDpAttention ? index : 0;
  const obstacle =
    prefillRank === undefined && attentionRank !== implied
      ? roomElsewhere(room, attentionRank, ranks.length)
      : undefined;
  const rank = ranks[index] as Rank;
  return { rank, meeting: new Visit(rendezvous, rank, room, copies, obstacle) };
}

function decodeMeeting({ options, ranks }: SimContext, rank: Rank, { bootstrap, prefillRank, copies }: Wish): Meeting {
  const { host, port = options.bootstrapPort, room } = bootstrap;
  if (room === undefined) return roomless('decode', ranks);
  if (host === undefined) throw new SchedulerCrash("AttributeError: 'NoneType' object has no attribute 'startswith'");
  // Room 0 reads as "nothing there yet", and of several answers none is told which of the prompts in its room is its own.
  const deaf = room === 0n || copies > 1;
  return new KvReceiver(rank.engine, { host, port, room, rank: prefillRank }, options, deaf);
}

/** Refuses a job that came without a room. */
function roomless(side: Meeting['side'], ranks: readonly Rank[]): Meeting {
  return {
    side,
    queued: (job) => ranks[job.spec.rank]?.engine.fail(job, 400, noRoom(job.id)),
    move: () => {},
    ended: () => {},
  };
}

/** The rank that a request asks for: in its header, which only OpenAI's endpoints read, or in its body. */
function routedRank({ ranks }: SimContext, { request, family }: ApiCall, body: Json): number | undefined {
  const named = optionalInteger(body, 'routed_dp_rank') ?? optionalInteger(body, 'data_parallel_rank');
  const header = family === 'openai' || family === 'responses' ? request.headers['x-data-parallel-rank'] : undefined;
  if (header !== undefined && !/^\s*[+-]?\d+\s*$/.test(String(header))) {
    throw new BadRequestError(`Invalid X-Data-Parallel-Rank header: must be an integer, got '${header}'`);
  }
  const rank = header === undefined ? named : Number(header);
  if (rank === undefined || (rank >= 0 && rank < ranks.length)) return rank;
  throw new BadRequestError(`routed_dp_rank=${rank} out of range [0, ${ranks.length})`);
}
