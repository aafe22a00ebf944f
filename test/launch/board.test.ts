import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/launch/board.ts';

const ESC = '\u001b';
const TOKENS = new RegExp(`${ESC}\\[\\??\\d+[A-Za-z]|\r|\n|[^${ESC}\r\n]+`, 'g');

/** A terminal of the few commands a board uses: what is on it after all that was written. */
class FakeTerminal {
  readonly columns = 20;
  writes = 0;
  #lines = [''];
  #row = 0;

  write(text: string): void {
    this.writes++;
    for (const [token] of text.matchAll(TOKENS)) this.#apply(token);
  }

  get screen(): string[] {
    return this.#lines;
  }

  #apply(token: string): void {
    if (token.startsWith(ESC) && token.endsWith('A')) this.#row -= Number.parseInt(token.slice(2), 10);
    else if (token === `${ESC}[0J`) this.#lines = [...this.#lines.slice(0, this.#row), ''];
    else if (token === '\n') this.#lines[++this.#row] ??= '';
    else if (!token.startsWith(ESC) && token !== '\r') this.#lines[this.#row] = token;
  }
}

test('the board stays below what is printed and is redrawn in one write', () => {
  const terminal = new FakeTerminal();
  const board = new Board(terminal);
  board.show(['w0 starting', 'w1 starting']);
  board.print('a line\n');
  board.show(['w0 weights', 'w1 a line longer than the terminal']);
  board.print('b line\nc line\n');
  assert.deepEqual(terminal.screen, ['a line', 'b line', 'c line', 'w0 weights', 'w1 a line longer th', '']);
  assert.equal(terminal.writes, 4);
});

test('a closed board stays where it is', () => {
  const terminal = new FakeTerminal();
  const board = new Board(terminal);
  board.show(['w0 ready']);
  board.close();
  board.print('later\n');
  assert.deepEqual(terminal.screen, ['w0 ready', 'later', '']);
});
