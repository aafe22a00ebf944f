import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapFields, REPLACED_FIELDS } from '../../../src/data/prefill-decode/bootstrap.ts';
import { batchSizeOf } from '../../../src/data/prefill-decode/shape.ts';
import { spliceFields } from '../../../src/data/splice.ts';
import { endpointOf } from '../../../src/http/endpoints.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const BODIES = 5_000;
const PLACE = { bootstrapHost: '10.0.0.1', bootstrapPort: 8998, rank: 3 };

test('fields of one prompt, and of a batch', () => {
  const text = (fields: ReadonlyMap<string, string>) => JSON.stringify([...fields]);
  assert.equal(
    text(bootstrapFields({ ...PLACE, bootstrapPort: null, rank: undefined }, ['4611686018427387904'], undefined)),
    '[["bootstrap_host","\\"10.0.0.1\\""],["bootstrap_port","null"],["bootstrap_room","4611686018427387904"]]',
  );
  assert.equal(
    text(bootstrapFields(PLACE, ['1', '2'], 2)),
    '[["bootstrap_host","[\\"10.0.0.1\\",\\"10.0.0.1\\"]"],["bootstrap_port","[8998,8998]"],["bootstrap_room","[1,2]"],["disagg_prefill_dp_rank","3"]]',
  );
});

test(`${BODIES} bodies, whole and damaged, read by JSON.parse before and after (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  let whole = 0;
  for (let i = 0; i < BODIES; i++) {
    const intact = bodyOf(random);
    const text = random() < 0.3 ? damaged(intact, random) : intact;
    const body = Buffer.from(text);
    const before = parse(body.toString());
    const batch = before && batchSizeOf(endpointOf('/generate'), body);
    const rooms = Array.from({ length: batch ?? 1 }, (_, n) => String(2 ** 40 + n));
    const spliced = spliceFields(body, bootstrapFields(PLACE, rooms, batch), REPLACED_FIELDS)?.toString() ?? '';
    const got = parse(spliced);
    if (before) whole++;
    // What was wrong with a damaged body may have been in what is cut out.
    if (!before && !got) continue;
    const list = (value: unknown) => (batch === undefined ? value : rooms.map(() => value));
    const ours = {
      bootstrap_host: list('10.0.0.1'),
      bootstrap_port: list(8998),
      bootstrap_room: batch === undefined ? 2 ** 40 : rooms.map(Number),
      disagg_prefill_dp_rank: 3,
    };
    const theirs = Object.entries(before ?? got ?? {}).filter(([name]) => !REPLACED_FIELDS.has(name));
    assert.deepEqual(got, { ...Object.fromEntries(theirs), ...ours }, text);
    // Each once, whatever a parser makes of doubles.
    const names = namesIn(spliced).filter((name) => REPLACED_FIELDS.has(name));
    assert.deepEqual(names, Object.keys(ours), text);
    if (before) assert.equal(batch, expectedSize(before), text);
  }
  assert.ok(whole > BODIES / 2);
});

const KEYS = [
  ...['"text"', '"input_ids"', '"stream"', '"x"', '"te\\u0078t"', '""', '"\\""', '"{"'],
  ...['"bootstrap_room"', '"bootstrap_host"', '"bootstrap_port"', '"bootstrap_r\\u006fom"', '"\\u0062ootstrap_host"'],
  ...[
    '"disagg_prefill_dp_rank"',
    '"routed_dp_rank"',
    '"data_parallel_rank"',
    '"bootstrap_pair_key"',
    '"decode_tp_size"',
  ],
];
const SCALARS = [
  '0',
  '-1',
  '1e3',
  '9223372036854775807',
  'true',
  'null',
  '""',
  '"ü😀"',
  '"\\\\"',
  '"\\\\\\""',
  '"},{"',
  '"\\u0022,"',
];

function bodyOf(random: () => number): string {
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  const space = () => pick(['', '', '', ' ', '\n\t ', '\r\n']);
  const several = (open: string, close: string, one: () => string) => {
    const parts = Array.from({ length: Math.floor(random() * 5) }, () => space() + one() + space());
    return open + (parts.length > 0 ? parts.join(',') : space()) + close;
  };
  const value = (depth: number): string => {
    const kind = depth > 3 ? 0 : random();
    if (kind < 0.6) return pick(SCALARS);
    return kind < 0.8 ? several('[', ']', () => value(depth + 1)) : object(depth + 1);
  };
  const object = (depth: number): string =>
    several('{', '}', () => `${pick(KEYS)}${space()}:${space()}${value(depth)}`);
  return space() + object(0) + space();
}

/** Loses, doubles or changes a byte somewhere. */
function damaged(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const instead = ['', text.slice(at, at + 1).repeat(2), '"', '\\', '{', '}', ',', ':'][Math.floor(random() * 8)];
  return text.slice(0, at) + instead + text.slice(at + 1);
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function expectedSize({ text, input_ids: ids }: Fields): number | undefined {
  const prompts = text ?? ids;
  if (!Array.isArray(prompts) || prompts.length === 0) return undefined;
  return typeof prompts[0] === 'string' || Array.isArray(prompts[0]) ? prompts.length : undefined;
}

/** The names of an object's own fields, doubles too. */
function namesIn(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (name !== undefined && depth === 1) names.push(JSON.parse(name));
  }
  return names;
}
