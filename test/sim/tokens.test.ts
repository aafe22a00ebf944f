import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenize, tokenText, WORDS, wordId } from '../../src/sim/tokens.ts';

test('a token is about four characters of text', () => {
  const english =
    'The quick brown fox jumps over the lazy dog, and then it sleeps for the rest of the long afternoon. ';
  const perToken = english.repeat(20).length / tokenize(english.repeat(20)).length;
  assert.ok(perToken > 3 && perToken < 5, `${perToken} characters a token`);
  assert.equal(tokenize('x'.repeat(400)).length, 100);
});

test('text that goes on keeps the tokens of what came before', () => {
  const start = tokenize('one two three');
  assert.deepEqual(tokenize('one two three four').slice(0, start.length), start);
});

test('white space alone is tokens too', () => {
  assert.ok(tokenize('\n'.repeat(40)).length >= 8);
  assert.deepEqual(tokenize(''), []);
});

test('every word of answers is one token and is found again by its id', () => {
  assert.ok(WORDS.length > 500);
  for (const word of WORDS) {
    assert.deepEqual(tokenize(word), [wordId(word)]);
    assert.equal(tokenText(wordId(word)), word);
    assert.equal(JSON.stringify(word), `"${word}"`);
  }
});

test('words in a row give their own ids again, whatever stands before', () => {
  const words = WORDS.slice(100, 140);
  assert.deepEqual(tokenize(`prompt${words.join('')}`).slice(-40), words.map(wordId));
});
