import { BLOCK_TOKENS, type TraceRow } from '../../observe/traffic/trace-row.ts';
import { AnswerSegment, type Segment, type Session, slice, type Turn } from '../prompt.ts';
import { quantile } from '../statistics.ts';

/** A shared beginning ends at a multiple of this: lengths are estimates, and where texts are cut in few places there are few pieces. */
const GRAIN_TOKENS = 16;

/** A part of a prompt: some of the tokens of a text that it shares with others, or of an earlier answer. */
interface Run {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly answer: AnswerSegment | undefined;
}

/** A request whose place among the others is known. */
interface Placed {
  readonly row: TraceRow;
  readonly outputTokens: number;
  readonly runs: readonly Run[];
  /** Those that are not said before it in its conversation. */
  readonly added: readonly Run[];
  readonly answer: AnswerSegment;
  /** The conversation that it is a turn of, in order. */
  readonly conversation: Placed[];
  readonly dropsAnswer: boolean;
}

/**
 * The conversations of a trace. Where the trace tells, a prompt shares with others exactly what it did, and a turn comes so long after the
 * answer before it as it did: it waits for a slower server, as its user would. Else each request is one of its own, at its time.
 */
export function sessionsOf(rows: readonly TraceRow[], seed: number): Session[] {
  const placed = placeAll(rows);
  const cuts = cutsOf(placed);
  const startMs = rows[0]?.timestamp ?? 0;
  return placed
    .filter(({ conversation }, i) => conversation[0] === placed[i])
    .toSorted((a, b) => a.row.timestamp - b.row.timestamp)
    .map(({ conversation, row }) => ({
      system: [],
      startMs: row.timestamp - startMs,
      turns: conversation.map((turn, i) => turnOf(turn, conversation[i - 1], cuts, seed)),
    }));
}

/** In the order of their numbers, where they have any: a parent is before all that begin as it does. */
function placeAll(rows: readonly TraceRow[]): readonly Placed[] {
  const typical = typicalOutput(rows);
  const byId = new Map<number, Placed>();
  return rows
    .toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0))
    .map((row) => {
      const parent = row.parent === undefined ? undefined : byId.get(row.parent);
      const placed = place(row, parent, typical);
      placed.conversation.push(placed);
      if (row.id !== undefined) byId.set(row.id, placed);
      return placed;
    });
}

function place(row: TraceRow, parent: Placed | undefined, typical: number): Placed {
  const outputTokens = row.status === undefined || row.status === 200 ? Math.max(1, row.output_length) : typical;
  const answer = new AnswerSegment(`answer ${row.id}`, outputTokens);
  const common = { row, outputTokens, answer };
  if (row.id === undefined) {
    const runs = blocksOf(row);
    return { ...common, runs, added: runs, conversation: [], dropsAnswer: false };
  }
  if (parent && isNextTurn(row, parent)) {
    const before = parent.runs.concat(runOfAnswer(parent));
    const keepsAnswer = row.input_length > lengthOf(before);
    const said = keepsAnswer ? before : parent.runs;
    const added = [ownRun(row, lengthOf(said))];
    const { conversation } = parent;
    return { ...common, runs: said.concat(added), added, conversation, dropsAnswer: !keepsAnswer };
  }
  const shared = Math.min(Math.round((row.shared_length ?? 0) / GRAIN_TOKENS) * GRAIN_TOKENS, row.input_length - 1);
  const beginning = parent ? firstOf(parent.runs, shared) : lost(row.parent, shared);
  const runs = beginning.concat(ownRun(row, lengthOf(beginning)));
  return { ...common, runs, added: runs, conversation: [], dropsAnswer: false };
}

/** Whether it goes on where the conversation of its parent ended, and came when its answer was there. */
function isNextTurn(row: TraceRow, parent: Placed): boolean {
  const { timestamp, duration = 0, input_length: tokens } = parent.row;
  const isLast = parent.conversation.at(-1) === parent;
  return isLast && row.continues === true && row.input_length > tokens && row.timestamp >= timestamp + duration;
}

/** Of a trace that does not tell more: an id is a text. */
function blocksOf({ input_length: tokens, hash_ids: ids }: TraceRow): Run[] {
  const run = (text: string, to: number): Run => ({ text, from: 0, to, answer: undefined });
  const blocks = ids
    .map((id, i) => run(`block ${id}`, Math.min(BLOCK_TOKENS, tokens - i * BLOCK_TOKENS)))
    .filter(({ to }) => to > 0);
  const rest = tokens - lengthOf(blocks);
  return rest > 0 ? [...blocks, run(`rest of ${ids.at(-1)}`, rest)] : blocks;
}

/** What only this request has, until others share it with it. */
function ownRun({ id, input_length: to }: TraceRow, from: number): Run {
  return { text: `request ${id}`, from, to: Math.max(to, from + 1), answer: undefined };
}

function runOfAnswer({ answer }: Placed): Run {
  return { text: answer.key, from: 0, to: answer.tokens, answer };
}

/** The beginning of a request that is not in the trace: the same for all that share it. */
function lost(parent: number | undefined, tokens: number): Run[] {
  return tokens > 0 ? [{ text: `request ${parent}`, from: 0, to: tokens, answer: undefined }] : [];
}

function firstOf(runs: readonly Run[], tokens: number): Run[] {
  const first: Run[] = [];
  let left = tokens;
  for (const run of runs) {
    if (left <= 0) break;
    const length = Math.min(left, run.to - run.from);
    first.push({ ...run, to: run.from + length });
    left -= length;
  }
  return first;
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** Text → where some request's part of it ends: what is shared is cut there, in all requests. */
function cutsOf(placed: readonly Placed[]): ReadonlyMap<string, readonly number[]> {
  const ends = new Map<string, Set<number>>();
  for (const { added } of placed) {
    for (const { text, to } of added) ends.set(text, (ends.get(text) ?? new Set()).add(to));
  }
  return new Map([...ends].map(([text, all]) => [text, [...all].sort((a, b) => a - b)]));
}

function turnOf(turn: Placed, before: Placed | undefined, cuts: ReturnType<typeof cutsOf>, seed: number): Turn {
  const { row, added, outputTokens, answer, dropsAnswer } = turn;
  const pauseMs = before ? row.timestamp - before.row.timestamp - (before.row.duration ?? 0) : 0;
  return {
    added: added.flatMap((run) => segmentsOf(run, cuts.get(run.text) ?? [], seed)),
    outputTokens,
    pauseMs,
    dropsAnswer,
    answer,
  };
}

function segmentsOf({ text, from, to, answer }: Run, cuts: readonly number[], seed: number): Segment[] {
  if (answer) return [answer.first(to)];
  const ends = [...cuts.filter((cut) => cut > from && cut < to), to];
  return ends.map((end, i) => slice(seed, text, i === 0 ? from : (ends[i - 1] as number), end));
}

/** What a request asked for that got no answer is not known. */
function typicalOutput(rows: readonly TraceRow[]): number {
  const lengths = rows.filter(({ status = 200 }) => status === 200).map(({ output_length: tokens }) => tokens);
  return Math.max(
    1,
    Math.round(
      quantile(
        lengths.sort((a, b) => a - b),
        0.5,
      ) || 1,
    ),
  );
}
