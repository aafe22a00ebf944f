import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/launch/board.ts';
import { ModelTerminal } from '../helpers/model-terminal.ts';

test('the board stays below what is printed and is redrawn in one write', () => {
  const terminal = new ModelTerminal(20, 24);
  const board = new Board(terminal);
  board.show(['w0 starting', 'w1 starting']);
  board.print('a line\n');
  board.show(['w0 weights', 'w1 a line longer than the terminal']);
  board.print('b line\nc line\n');
  assert.deepEqual(terminal.screen, ['a line', 'b line', 'c line', 'w0 weights', 'w1 a line longer th']);
  assert.equal(terminal.writes, 4);
});

test('a closed board stays where it is', () => {
  const terminal = new ModelTerminal(20, 24);
  const board = new Board(terminal);
  board.show(['w0 ready']);
  board.close();
  board.print('later\n');
  assert.deepEqual(terminal.screen, ['w0 ready', 'later']);
});

for (const rows of [1, 2, 3, 5, 12, 24]) {
  test(`in ${rows} rows a board of 40 lines leaves no copy of itself behind`, () => {
    const terminal = new ModelTerminal(40, rows);
    const board = new Board(terminal);
    for (let count = 0; count < 50; count++) {
      board.show(Array.from({ length: 40 }, (_, index) => `w${index} ${count}`));
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
  const board = new Board(terminal);
  const lines = [0, 1, 2].map((index) => `w${index} ${'#'.repeat(40)}`);
  board.show(lines);
  board.print('above\n');
  for (const [columns, rows] of [
    [30, 12],
    [17, 12],
    [60, 12],
    [25, 20],
  ] as const) {
    terminal.resize(columns, rows);
    board.show(lines);
    assert.deepEqual(terminal.screen, ['above', ...lines.map((line) => line.slice(0, columns - 1))]);
  }
});

test('a terminal that was made lower shows one board, below the last lines', () => {
  const terminal = new ModelTerminal(40, 24);
  const board = new Board(terminal);
  board.print(Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join(''));
  const lines = Array.from({ length: 10 }, (_, index) => `w${index}`);
  board.show(lines);
  terminal.resize(40, 8);
  board.show(lines);
  board.print('after\n');
  assert.deepEqual(terminal.screen.slice(-5), ['after', 'w0', 'w1', 'w2', 'w3']);
  assert.ok(!terminal.screen.includes('w4'));
});

test('wide characters are cut where they no longer fit', () => {
  const terminal = new ModelTerminal(10, 24);
  const board = new Board(terminal);
  for (let count = 0; count < 3; count++) board.show(['模型模型模型模型', 'e\u0301e\u0301e\u0301', '🚀🚀🚀🚀🚀']);
  assert.deepEqual(terminal.everything, ['模型模型', 'e\u0301e\u0301e\u0301', '🚀🚀🚀🚀']);
});

test('a terminal that does not know its size has 80 columns and 24 rows', () => {
  let text = '';
  const board = new Board({ columns: 0, rows: 0, write: (more) => (text += more) });
  board.show(['x'.repeat(200)]);
  assert.match(text, /[^x]x{79}\n/);
  assert.equal(board.room, 20);
});
