import type { Endpoint } from '../http/endpoint.ts';
import { spliceFields } from './splice.ts';

/** The newer name, and the one for older servers. */
const FIELDS = ['routed_dp_rank', 'data_parallel_rank'];
/** Servers that read this header prefer it to the body. */
const HEADER = 'x-data-parallel-rank';

/** The body with `rank` in place of the client's; unchanged without a rank, for a body that is no JSON object, and on paths that may refuse the field. */
export function withRank(body: Buffer, { takesRank }: Pick<Endpoint, 'takesRank'>, rank: number | undefined): Buffer {
  if (rank === undefined || body.length === 0 || !takesRank) return body;
  return spliceFields(body, new Map(FIELDS.map((name) => [name, String(rank)]))) ?? body;
}

/** The headers (name, value, name, value …) with the rank, in place of the client's. */
export function withRankHeader(headers: string[], rank: number | undefined): string[] {
  if (rank === undefined) return headers;
  const out = [HEADER, String(rank)];
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (name !== HEADER) out.push(name, value);
  }
  return out;
}
