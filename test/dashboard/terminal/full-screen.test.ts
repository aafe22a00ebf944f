import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FullScreen } from '../../../src/dashboard/terminal/full-screen.ts';

const LINES = [{ text: '● serving' }, { text: 'WORKER', isTitle: true }, { text: '✖ failed ◐ starting' }];

function drawn(env: NodeJS.ProcessEnv): string {
  const written: string[] = [];
  const screen = new FullScreen({ write: (text) => written.push(text) }, env);
  screen.draw(LINES);
  screen.close();
  screen.close();
  screen.draw(LINES);
  return written.join('');
}

test('the other screen is taken, drawn on as one frame, and given back once', () => {
  const text = drawn({});
  assert.ok(text.startsWith('\x1b[?1049h\x1b[?25l'));
  assert.ok(text.endsWith('\x1b[?25h\x1b[?1049l'));
  assert.equal(text.split('\x1b[?1049l').length, 2);
  assert.ok(text.includes('\x1b[32m● serving\x1b[39m'));
  assert.ok(text.includes('\x1b[31m✖ failed'));
});

test('NO_COLOR has no colour, and titles are set off all the same', () => {
  const text = drawn({ NO_COLOR: '1' });
  assert.ok(!text.includes('\x1b[3'));
  assert.ok(text.includes('\x1b[7mWORKER'));
});
