import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multipartField } from '../../../src/data/prompt/multipart.ts';
import { seededRandom } from '../../helpers/seeded-random.ts';

const TYPE = 'multipart/form-data; boundary=b';
const part = (head: string, value: string) => `--b\r\n${head}\r\n\r\n${value}\r\n`;
const field = (name: string, value: string) => part(`Content-Disposition: form-data; name="${name}"`, value);
const form = (...parts: string[]) => Buffer.from(`${parts.join('')}--b--\r\n`);
const model = (body: Buffer, type: string | undefined = TYPE) => multipartField(body, type, 'model');

test('the model of a form is read, wherever its part stands', async () => {
  assert.equal(model(form(field('model', 'whisper'), field('language', 'en'))), 'whisper');
  assert.equal(model(form(field('language', 'en'), field('model', 'org/whisper é'))), 'org/whisper é');
  assert.equal(model(form(field('model', ''))), '');
  assert.equal(model(form(field('models', 'no'), field('Model', 'no'))), undefined);
  const own = new FormData();
  own.set('file', new Blob([new Uint8Array(100_000)]), 'a.wav');
  own.set('model', 'whisper');
  const request = new Request('http://x', { method: 'POST', body: own });
  const body = Buffer.from(await request.arrayBuffer());
  assert.equal(model(body, request.headers.get('content-type') ?? ''), 'whisper');
});

test('heads in every spelling that is allowed, boundaries too', () => {
  for (const head of [
    'content-disposition: form-data; name=model',
    'Content-Type: text/plain\r\nContent-Disposition:form-data ;name="model"',
    'CONTENT-DISPOSITION:\tFORM-DATA; x="a; name=\\"other\\""; NAME="model"\r\nContent-Type: text/plain',
    'Content-Disposition: form-data; name="m\\odel"',
  ]) {
    assert.equal(model(form(part(head, 'm'))), 'm', head);
  }
  for (const [type, boundary] of [
    ['Multipart/Form-Data; charset=utf-8; boundary="a b\'()+_,-./:=?"', "a b'()+_,-./:=?"],
    ['multipart/form-data;boundary=----WebKitFormBoundaryX; x=y', '----WebKitFormBoundaryX'],
  ] as const) {
    const text = `preamble\r\n--${boundary} \r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--${boundary}--`;
    assert.equal(model(Buffer.from(text), type), 'm', type);
  }
});

test('of several the last counts, a file is no field, and what looks like the end of a value may be in it', () => {
  assert.equal(model(form(field('model', 'a'), field('model', 'b'))), 'b');
  const file = part('Content-Disposition: form-data; name="model"; filename="x"', 'file');
  assert.equal(model(form(field('model', 'a'), file)), 'a');
  const named = part('Content-Disposition: form-data; filename="a; name=\\"model\\""; name="file"', 'file');
  assert.equal(model(form(named)), undefined);
  assert.equal(model(form(field('model', 'a\r\n--bc\r\n--b x'))), 'a\r\n--bc\r\n--b x');
  assert.equal(model(form(field('text', 'Content-Disposition: form-data; name="model"\r\n\r\nno'))), undefined);
});

test('what is no form, or a broken one, has no model', () => {
  const good = form(field('model', 'm'));
  for (const type of [
    ...[
      undefined,
      '',
      'application/json',
      'multipart/mixed; boundary=b',
      'multipart/form-data',
      'multipart/form-data; boundary=',
    ],
    ...[
      'multipart/form-data; boundary=c',
      `multipart/form-data; boundary=${'b'.repeat(71)}`,
      'multipart/form-data; boundary=b; boundary=c',
    ],
    'multipart/form-data; boundary="b\r\n"',
  ]) {
    assert.equal(multipartField(good, type, 'model'), undefined, type);
  }
  for (const text of [
    '',
    '--b',
    '--b--',
    '--b\r\n\r\nm\r\n--b--',
    '--b\r\nContent-Disposition: form-data; name="model"\r\nm\r\n--b--',
    '--b\nContent-Disposition: form-data; name="model"\n\nm\n--b--',
    '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm',
    '--b\r\nContent-Disposition: form-data; name="model\r\n\r\nm\r\n--b--',
    '--b\r\nContent-Disposition: attachment; name="model"\r\n\r\nm\r\n--b--',
    '--b\r\nContent-Disposition: form-data; name="model"; name="x"\r\n\r\nm\r\n--b--',
    field('model', 'x'.repeat(2_000)),
  ]) {
    assert.equal(model(Buffer.from(text)), undefined, text.slice(0, 80));
  }
});

test('a form of any size is looked at near its ends only', () => {
  const large = Buffer.alloc(64 * 2 ** 20, 'x\r\n--');
  const file = Buffer.from(part('Content-Disposition: form-data; name="file"; filename="x"', ''));
  const head = file.subarray(0, file.length - 2);
  const end = Buffer.from('\r\n--b--\r\n');
  const before = Buffer.concat([Buffer.from(field('model', 'first')), head, large, end]);
  const after = Buffer.concat([head, large, Buffer.from(`\r\n${field('model', 'last')}`), end.subarray(2)]);
  const middle = Buffer.concat([head, large, Buffer.from(`\r\n${field('model', 'lost')}`), head, large, end]);
  assert.deepEqual([model(before), model(after), model(middle)], ['first', 'last', undefined]);
});

/** A form as some client might write it, and what Node's own parser reads of it. */
async function expected(body: Buffer): Promise<string | undefined> {
  const parsed = await new Response(body, { headers: { 'content-type': TYPE } }).formData();
  const values = parsed.getAll('model').filter((value) => typeof value === 'string');
  return values.at(-1);
}

test('a form is read as another parser reads it', async () => {
  const random = seededRandom(5);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const pieces = ['\r\n', '--', 'b', '\r', '\n', 'a', '"', 'é', ' ', '\r\n--b', 'name="model"', ':', ';'];
  const value = () => Array.from({ length: Math.floor(random() * 6) }, () => pick(pieces)).join('');
  let read = 0;
  for (let i = 0; i < 2_000; i++) {
    const parts = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      random() < 0.3
        ? part(`Content-Disposition: form-data; name="${pick(['model', 'file'])}"; filename="f"`, value())
        : field(pick(['model', 'other', 'models']), value()),
    );
    const body = form(...parts);
    const oracle = await expected(body).catch(() => 'refused');
    const own = model(body);
    // Where the other parser refuses a form it does not matter what is read of it.
    if (oracle !== 'refused') assert.equal(own, oracle, JSON.stringify(body.toString()));
    if (own !== undefined && oracle !== 'refused') read++;
  }
  assert.ok(read > 300, `${read}`);
});

test('no bytes make it throw or take long', () => {
  const random = seededRandom(6);
  const pieces = [
    '--b',
    '\r\n',
    '\r\n\r\n',
    '--',
    'Content-Disposition: form-data',
    '; name="model"',
    '"',
    '\\',
    ';',
    ' ',
    '\0',
  ];
  for (let i = 0; i < 5_000; i++) {
    const text = Array.from(
      { length: Math.floor(random() * 20) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('');
    model(Buffer.from(text));
  }
  model(Buffer.from('\r\n--b'.repeat(1_500_000)));
  model(Buffer.from('--b\r\n\r\n\r\n'.repeat(800_000)));
  model(Buffer.from(`--b\r\nContent-Disposition: form-data${'; a="'.repeat(1_600)}`));
});
