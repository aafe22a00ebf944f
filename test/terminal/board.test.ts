import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/terminal/board.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { ModelTerminal } from '../helpers/model-terminal.ts';

/** A board of plain text. */
function boardOn(terminal: Terminal) {
  const board = new Board(terminal, (_style, text) => text);
  const show = (lines: readonly string[]) => board.show(lines.map((text) => [{ text }]));
  return { board, show };
}

test('the board stays below what is printed and is redrawn in one write', () => {
  const terminal = new ModelTerminal(20, 24);
  const { board, show } = boardOn(terminal);
  show(['w0 starting', 'w1 starting']);
  board.print('a line\n');
  show(['w0 weights', 'w1 a line longer than the terminal']);
  board.print('b line\nc line\n');
  assert.deepEqual(terminal.screen, ['a line', 'b line', 'c line', 'w0 weights', 'w1 a line longer th']);
  assert.equal(terminal.writes, 4);
});

test('a board that is left stays where it is', () => {
  const terminal = new ModelTerminal(20, 24);
  const { board, show } = boardOn(terminal);
  show(['w0 ready']);
  board.leave();
  board.print('later\n');
  assert.deepEqual(terminal.screen, ['w0 ready', 'later']);
});

for (const rows of [1, 2, 3, 5, 12, 24]) {
  test(`in ${rows} rows a board of 40 lines leaves no copy of itself behind`, () => {
    const terminal = new ModelTerminal(40, rows);
    const { board, show } = boardOn(terminal);
    for (let count = 0; count < 50; count++) {
      show(Array.from({ length: 40 }, (_, index) => `w${index} ${count}`));
      board.print(`line ${count}\n`);
    }
    const all = terminal.everything;
    assert.equal(all.filter((line) => line.startsWith('line ')).length, 50);
    assert.equal(all.filter((line) => line.startsWith('w')).length, board.room);
    assert.ok(board.room < rows);
  });
}

test('lines that a narrower terminal has wrapped are taken back whole', () => {
  const terminal = new ModelTerminal(60, 12);
  const { board, show } = boardOn(terminal);
  const lines = [0, 1, 2].map((index) => `w${index} ${'#'.repeat(40)}`);
  show(lines);
  board.print('above\n');
  for (const [columns, rows] of [
    [30, 12],
    [17, 12],
    [60, 12],
    [25, 20],
  ] as const) {
    terminal.resize(columns, rows);
    show(lines);
    assert.deepEqual(terminal.screen, ['above', ...lines.map((line) => line.slice(0, columns - 1))]);
  }
});

test('a terminal that was made lower shows one board, below the last lines', () => {
  const terminal = new ModelTerminal(40, 24);
  const { board, show } = boardOn(terminal);
  board.print(Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join(''));
  const lines = Array.from({ length: 10 }, (_, index) => `w${index}`);
  show(lines);
  terminal.resize(40, 8);
  show(lines);
  board.print('after\n');
  assert.deepEqual(terminal.screen.slice(-5), ['after', 'w0', 'w1', 'w2', 'w3']);
  assert.ok(!terminal.screen.includes('w4'));
});

test('what was typed below the board goes with the next frame', () => {
  const terminal = new ModelTerminal(20, 24);
  const { board, show } = boardOn(terminal);
  show(['w0 ready']);
  terminal.write('^C');
  board.print('stopping\n');
  show([]);
  terminal.write('^C');
  board.print('stopped\n');
  assert.deepEqual(terminal.screen, ['stopping', 'stopped']);
});

test('colours take no columns, and no line ends within one', () => {
  let text = '';
  const board = new Board(
    { columns: 6, rows: 9, write: (more) => (text += more) },
    (style, words) => `<${style}>${words}</>`,
  );
  board.show([[{ text: 'abc', style: 'red' }, { text: 'def', style: 'dim' }, { text: 'g' }]]);
  assert.ok(text.includes('<red>abc</><dim>de</>\n'), text);
});

test('wide characters are cut where they no longer fit', () => {
  const terminal = new ModelTerminal(10, 24);
  const { show } = boardOn(terminal);
  for (let count = 0; count < 3; count++) show(['模型模型模型模型', 'e\u0301e\u0301e\u0301', '🚀🚀🚀🚀🚀']);
  assert.deepEqual(terminal.everything, ['模型模型', 'e\u0301e\u0301e\u0301', '🚀🚀🚀🚀']);
});

test('a terminal that does not know its size has 80 columns and 24 rows', () => {
  let text = '';
  const { board, show } = boardOn({ columns: 0, rows: 0, write: (more) => (text += more) });
  show(['x'.repeat(200)]);
  assert.match(text, /[^x]x{79}\n/);
  assert.equal(board.room, 20);
});
