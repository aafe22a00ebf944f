import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { test } from 'node:test';
import { spliceFields } from '../../src/data/splice.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

const FIELDS = new Map([
  ['room', '9223372036854775806'],
  ['host', '"10.0.0.1"'],
]);
const splice = (body: string) => spliceFields(Buffer.from(body), FIELDS)?.toString();

test('fields come first, the rest stays byte for byte', () => {
  assert.equal(
    splice(' { "text" : "ü\\u00e9" ,"x":1.0, "x":2}\n'),
    ' {"room":9223372036854775806,"host":"10.0.0.1", "text" : "ü\\u00e9" ,"x":1.0, "x":2}\n',
  );
});

test('an empty object gets no stray comma', () => {
  assert.equal(splice('{ }'), '{"room":9223372036854775806,"host":"10.0.0.1" }');
});

for (const [name, sent, rest] of [
  ['first', '{"room":1,"a":2}', '"a":2}'],
  ['last', '{"a":2,"room":-1}', '"a":2}'],
  ['only', '{"room":null}', '}'],
  ['twice, one escaped', '{"room":1,"a":2,"r\\u006fom":3}', '"a":2}'],
  ['with others of ours', '{"host":"x","room":[1],"a":2 , "host" : {"b":","}}', '"a":2 }'],
] as const) {
  test(`a field that the client sent is cut out: ${name}`, () => {
    const comma = rest === '}' ? '' : ',';
    assert.equal(splice(sent), `{"room":9223372036854775806,"host":"10.0.0.1"${comma}${rest}`);
  });
}

for (const body of ['', '[1]', '"text"', '{"a":1', 'null', '{"a" 1}']) {
  test(`no JSON object is left alone: ${body}`, () => assert.equal(splice(body), undefined));
}

test('any object: ours count, others keep value and order', () => {
  const random = seededRandom(7);
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  for (let i = 0; i < 2_000; i++) {
    const pairs = Array.from({ length: Math.floor(random() * 6) }, () => {
      const key = pick(['"room"', '"host"', '"a"', '"b"', '"h\\u006fst"', '"ro\\"om"']);
      return `${pick(['', ' ', '\n'])}${key}${pick(['', ' '])}:${pick(['1', '"x,}"', '[1,{"room":2}]', '{"host":1}', 'null'])}${pick(['', '\t'])}`;
    });
    const body = `{${pairs.join(',')}}`;
    const spliced = splice(body);
    assert.ok(spliced, body);
    const got = JSON.parse(spliced) as Record<string, unknown>;
    const { room, host, ...others } = JSON.parse(body) as Record<string, unknown>;
    assert.deepEqual({ ...got, room: 0, host: 0 }, { ...others, room: 0, host: 0 });
    assert.equal(got.host, '10.0.0.1');
    assert.equal(spliced.split('9223372036854775806').length, 2);
    assert.equal(
      (spliced.match(/^\{"room":|[,{]\s*"room"\s*:/g) ?? []).length,
      1 + (spliced.match(/\[1,\{"room"/g) ?? []).length,
    );
  }
});

test('a body that no string can hold is spliced too', () => {
  const body = Buffer.alloc(constants.MAX_STRING_LENGTH + 64);
  body.write('{"text":"');
  body.write('","room":1}', body.length - 11);
  const spliced = spliceFields(body, new Map([['room', '2']]));
  assert.ok(spliced);
  assert.deepEqual(
    [spliced.toString('latin1', 0, 18), spliced.toString('latin1', spliced.length - 2)],
    ['{"room":2,"text":"', '"}'],
  );
});
