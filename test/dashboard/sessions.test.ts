import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from '../../src/dashboard/sessions.ts';

const HOST = { host: '127.0.0.1:30000' };
const browser = (setCookie: string, headers = HOST) => ({
  headers: { ...headers, cookie: `other=1; ${setCookie.split(';', 1)[0]}` },
});

test('a browser that has signed in is known by its cookie, until it signs out', () => {
  const sessions = new Sessions();
  const cookie = sessions.open({ headers: HOST });
  assert.match(cookie, /^sglang_router_session_30000=[\w-]{43}; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  assert.ok(sessions.has(browser(cookie)));
  assert.ok(!sessions.has({ headers: HOST }));
  assert.ok(!sessions.has(browser('sglang_router_session_30000=')));
  assert.ok(!sessions.has(browser(cookie.replace('=', '=x'))));
  assert.match(sessions.close(browser(cookie)), /^sglang_router_session_30000=; .*Max-Age=0$/);
  assert.ok(!sessions.has(browser(cookie)));
});

test('each session has an id of its own', () => {
  const sessions = new Sessions();
  const ids = Array.from({ length: 10 }, () => sessions.open({ headers: HOST }));
  assert.equal(new Set(ids).size, 10);
});

test('two routers on one host have cookies of different names', () => {
  const sessions = new Sessions();
  const cookie = sessions.open({ headers: HOST });
  assert.ok(!sessions.has(browser(cookie, { host: '127.0.0.1:30001' })));
});

test('over HTTPS the cookie goes over HTTPS alone', () => {
  const cookie = new Sessions().open({ headers: { host: 'router.example', origin: 'https://router.example' } });
  assert.match(cookie, /; Secure$/);
});

test('a session ends after twelve hours', () => {
  let nowMs = 0;
  const sessions = new Sessions(() => nowMs);
  const cookie = sessions.open({ headers: HOST });
  nowMs = 12 * 3_600_000 - 1;
  assert.ok(sessions.has(browser(cookie)));
  nowMs++;
  assert.ok(!sessions.has(browser(cookie)));
});

test('there are a hundred sessions at most: the oldest ends', () => {
  const sessions = new Sessions();
  const cookies = Array.from({ length: 101 }, () => sessions.open({ headers: HOST }));
  assert.ok(!sessions.has(browser(cookies[0]!)));
  assert.ok(sessions.has(browser(cookies[1]!)));
  assert.ok(sessions.has(browser(cookies[100]!)));
});
