import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { readProcessTableAtOnce } from '../../src/os/process-table.ts';
import { startChromium, withoutChromium } from '../helpers/chromium.ts';
import { ask, coLauncher, READY, SIMULATED, sim } from '../helpers/co-launch.ts';
import { startSim } from '../helpers/sim.ts';
import { testRouter, until } from '../helpers/test-router.ts';
import { tlsFile } from '../helpers/tls.ts';

const coLaunch = coLauncher(23_100);
/** One for all tests; each has pages and cookies of its own. */
let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());
const KEY = 'a-key-of-the-router';
/** Where pictures go that somebody wants to look at. */
const PICTURES = process.env.DASHBOARD_PICTURES;

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** A page of that size on a router, and all that the browser found wrong with it. */
async function open(t: TestContext, url: string, width = 1280) {
  browser ??= startChromium();
  const context = await (await browser).newContext({ viewport: { width, height: 900 }, ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) problems.push(`asked ${request.url()}`);
  });
  await page.goto(`${url}/dashboard`);
  return { page, problems };
}

/** The pid of the simulated engine with that address. */
function serverAt(url: string): number {
  const flag = `--port\0${new URL(url).port}\0`;
  const table = readProcessTableAtOnce() ?? [];
  const server = table.find(({ pid }) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return words.includes('sim-engine') && words.includes(flag);
  });
  assert.ok(server, `expected a server on ${url}`);
  return server.pid;
}

const row = (page: Page, url: string) => page.locator('#workers tbody tr', { hasText: url.replace('http://', '') });

/** As a browser tells a page that its tab is behind another one, or in front again. */
function hide(page: Page, hidden: boolean): Promise<unknown> {
  return page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`);
}

/** What axe finds that is serious or worse. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

test('the page loads, lives, and asks before it drains a worker', { skip: withoutChromium }, async (t) => {
  await using one = await startSim();
  await using two = await startSim();
  await using router = await testRouter([one.url, two.url], [], { policy: 'cache_aware' });
  const { page, problems } = await open(t, router.url);
  await row(page, one.url).waitFor();
  await ask(router.url);
  await page.locator('#decisions tbody tr', { hasText: '/generate' }).waitFor({ timeout: 10_000 });
  await page.getByRole('button', { name: `Drain ${one.url.replace('http://', '')}` }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(router.router.registry.workers.length, 2);
  await page.getByRole('button', { name: `Drain ${one.url.replace('http://', '')}` }).press('Enter');
  assert.match((await page.locator('#confirm').textContent()) ?? '', /gets no more requests/);
  await page.getByRole('button', { name: 'Drain it' }).press('Enter');
  await row(page, one.url).waitFor({ state: 'detached' });
  assert.deepEqual(
    router.router.registry.workers.map(({ url }) => url),
    [two.url],
  );
  await page.getByRole('button', { name: 'Add a worker…' }).click();
  await page.getByLabel('URL of the worker').fill(one.url);
  await page.getByRole('button', { name: 'Add it' }).click();
  await row(page, one.url).getByText('● ready').waitFor();
  await page.getByRole('button', { name: 'Flush all caches…' }).click();
  await page.getByRole('button', { name: 'Flush them' }).click();
  await page.getByText('the caches of 2 workers are empty').waitFor();
  // In another tab it is not looked at.
  await hide(page, true);
  await until(() => router.records.some(({ route, clientLeft }) => route === '/dashboard/feed' && clientLeft));
  await router.router.registry.remove(two.url);
  await hide(page, false);
  await row(page, two.url).waitFor({ state: 'detached' });
  assert.deepEqual(problems, []);
});

test('axe finds no serious fault, light, dark and narrow; nothing is wider than the window', {
  skip: withoutChromium,
}, async (t) => {
  await using one = await startSim();
  await using two = await startSim(['--sim-fail-first', '1000']);
  await using router = await testRouter([one.url, two.url], [], { policy: 'round_robin' });
  const { page, problems } = await open(t, router.url);
  for (let count = 0; count < 8; count++) await ask(router.url);
  await page.locator('#errors tbody tr').first().waitFor();
  await page.locator('#decisions summary').first().click();
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [400, 700, 1024, 1600]) {
      await page.setViewportSize({ width, height: 900 });
      // As cards and as a table, in either colours.
      if (width === (scheme === 'light' ? 400 : 1600)) assert.deepEqual(await faults(page), [], `${scheme} ${width}`);
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      assert.ok(wide <= width, `${scheme} ${width}: ${wide}`);
      await picture(page, `${scheme}-${width}`);
    }
  }
  const background = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  const dark = await background();
  await page.getByRole('button', { name: /Colours/ }).click();
  assert.notEqual(await background(), dark);
  assert.deepEqual(problems, []);
});

test('without the key the page shows a form and nothing else; with it, it stays signed in', {
  skip: withoutChromium,
}, async (t) => {
  await using worker = await startSim();
  await using router = await testRouter([worker.url], [], { apiKey: KEY });
  const { page } = await open(t, router.url);
  const key = page.getByLabel('Key');
  await key.waitFor();
  assert.ok(!(await page.locator('#dashboard').isVisible()));
  assert.deepEqual(await faults(page), []);
  await picture(page, 'sign-in');
  await key.fill('wrong');
  await key.press('Enter');
  await page.getByText('expected the header').waitFor();
  await key.fill(KEY);
  await key.press('Enter');
  await row(page, worker.url).waitFor();
  assert.equal(page.url(), `${router.url}/dashboard`);
  await page.reload();
  await row(page, worker.url).waitFor();
  assert.doesNotMatch(await page.evaluate<string>('document.cookie + JSON.stringify(localStorage)'), /key|session/);
});

test('over HTTPS, which browsers speak as HTTP/2, it is the same', { skip: withoutChromium }, async (t) => {
  await using worker = await startSim();
  const tls = { tlsCertPath: tlsFile('server.pem'), tlsKeyPath: tlsFile('server.key') };
  await using router = await testRouter([worker.url], [], { apiKey: KEY, ...tls });
  const { page } = await open(t, router.url);
  await page.getByLabel('Key').fill(KEY);
  await page.getByLabel('Key').press('Enter');
  await row(page, worker.url).waitFor();
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie?.secure, cookie?.httpOnly, cookie?.sameSite], [true, true, 'Strict']);
  await page.getByRole('button', { name: `Flush ${worker.url.replace('http://', '')}` }).click();
  await page.getByRole('button', { name: 'Flush it' }).click();
  await page.getByText('the caches of 1 worker are empty').waitFor();
});

test('a page of another origin cannot act, with a form or a script, though the browser is signed in', {
  skip: withoutChromium,
}, async (t) => {
  await using worker = await startSim();
  await using router = await testRouter([worker.url], [], { apiKey: KEY });
  const { page } = await open(t, router.url);
  await page.getByLabel('Key').fill(KEY);
  await page.getByLabel('Key').press('Enter');
  await row(page, worker.url).waitFor();
  const id = router.router.registry.workers[0]?.id ?? '';
  // The same host on another port is the same site, so that the browser would send the cookie.
  const evil = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<form method="post" enctype="text/plain" action="${router.url}/dashboard/actions">
      <input name='{"action":"remove","worker":"${id}","x":"' value='"}'></form>`);
  });
  evil.listen(0, '127.0.0.1');
  await once(evil, 'listening');
  t.after(() => evil.close());
  await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
  const outcomes = await page.evaluate(
    async ([url, body]) => {
      const attempts = ['text/plain', 'application/json'].flatMap((type) =>
        (['cors', 'no-cors'] as const).map(
          (mode) =>
            ({ method: 'POST', mode, body, credentials: 'include', headers: { 'content-type': type } }) as const,
        ),
      );
      const tried = [
        ...attempts.map((init) => fetch(`${url}/dashboard/actions`, init)),
        fetch(`${url}/dashboard/snapshot`, { credentials: 'include' }),
      ];
      return (await Promise.allSettled(tried)).map((one) => (one.status === 'fulfilled' ? one.value.type : 'refused'));
    },
    [router.url, JSON.stringify({ action: 'remove', worker: id })] as const,
  );
  // Opaque: the script has seen nothing of the answer, which was 403 or 415.
  assert.ok(
    outcomes.every((outcome) => outcome === 'refused' || outcome === 'opaque'),
    outcomes.join(),
  );
  const [answer] = await Promise.all([page.waitForNavigation(), page.evaluate('document.forms[0].submit()')]);
  assert.equal(answer?.status(), 403);
  assert.equal(router.router.registry.workers.length, 1);
});

test('a server that is killed is seen to end and to come back; a rolling restart is asked for here', {
  skip: withoutChromium,
}, async (t) => {
  const { program, url } = await coLaunch(t, sim('--sim-startup-secs', '2'), SIMULATED);
  await program.says(/./);
  await fetch(`${url}/health`);
  const { page, problems } = await open(t, url, 1600);
  await page.locator('#servers li').first().waitFor();
  await picture(page, 'starting');
  const [, ready = ''] = await program.says(READY);
  const [first = ''] = JSON.parse(ready).workers as string[];
  await row(page, first).getByText('● ready').waitFor();
  process.kill(serverAt(first), 'SIGKILL');
  await row(page, first).getByText('✖ failed').waitFor();
  await picture(page, 'killed');
  await row(page, first).getByText('● ready').waitFor();
  await page.getByRole('button', { name: 'Rolling restart…' }).click();
  await Promise.all([
    page.getByRole('button', { name: 'Rolling restart runs' }).waitFor(),
    page.getByRole('button', { name: 'Restart them' }).click(),
  ]);
  await program.says(/rolling restart done/);
  await page.getByRole('button', { name: 'Rolling restart…' }).waitFor();
  assert.deepEqual(problems, []);
});
