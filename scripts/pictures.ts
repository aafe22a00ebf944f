import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChromium } from '../test/helpers/chromium.ts';
import { comparisonSvg } from './pictures/plots.ts';
import { terminalSvg } from './pictures/terminal-svg.ts';

/**
 * Makes the pictures of the README in docs/pictures: the terminal and the dashboard from a real run with simulated engines, the
 * comparison from the figures in docs/benchmarks.md.
 * Usage: node scripts/pictures.ts     needs tmux, Chromium, the font DejaVu, and port 30000 free
 */

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PICTURES = join(ROOT, 'docs/pictures');
const FLAGS = '--sim --dp-size 4 --sim-startup-secs 3';
const URL = 'http://127.0.0.1:30000';
const [COLUMNS, ROWS] = [90, 60];
/** The plots of the dashboard have something to show by then. */
const TRAFFIC_MS = 90_000;
const CLIENTS = 24;
const QUESTIONS = ['What is the capital of France?', 'And of Japan?', 'And of Kenya?', 'And of Peru?'];

mkdirSync(PICTURES, { recursive: true });
const figures = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
writeFileSync(join(PICTURES, 'comparison.svg'), comparisonSvg(figures));

const tmux = tmuxOn(join(mkdtempSync(join(tmpdir(), 'pictures-')), 'socket'));
const program = `${process.execPath} ${join(ROOT, 'src/main.ts')} ${FLAGS}`;
tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), `env TMPDIR=/tmp ${program}`);
try {
  await until(() => tmux('capture-pane', '-p').includes('The capital of France'));
  for (const text of QUESTIONS) await ask(text, 24);
  await delay(500);
  writeFileSync(join(PICTURES, 'terminal.svg'), terminalSvg(terminalRows(), COLUMNS));
  await photographDashboard();
} finally {
  tmux('kill-server');
}

/** From the command on: what is above it tells of the machine that the pictures are made on. */
function terminalRows(): readonly string[] {
  const rows = tmux('capture-pane', '-p', '-e').trimEnd().split('\n');
  const first = rows.findIndex((row) => row.includes('4 servers'));
  return [`\x1b[1m$ sglang-launch ${FLAGS}\x1b[0m`, '', ...rows.slice(first)];
}

/** While it is busy, in the light and in the dark mode of the browser. */
async function photographDashboard(): Promise<void> {
  const browser = await startChromium();
  const pages = await Promise.all(
    (['light', 'dark'] as const).map(async (colorScheme) => {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1100, height: 850 } });
      await page.goto(`${URL}/dashboard`);
      return { page, colorScheme };
    }),
  );
  const traffic = { over: false };
  const clients = Array.from({ length: CLIENTS }, (_, client) => talk(client, traffic));
  await delay(TRAFFIC_MS);
  for (const { page, colorScheme } of pages)
    await page.screenshot({ path: join(PICTURES, `dashboard-${colorScheme}.png`) });
  traffic.over = true;
  await Promise.all(clients);
  await browser.close();
}

/** A client with a conversation that grows, behind one of a few system prompts. */
async function talk(client: number, traffic: { over: boolean }): Promise<void> {
  const system = `system prompt ${client % 6} `.repeat(80);
  let said = '';
  for (let turn = 0; !traffic.over; turn++) {
    said =
      turn % 8 === 0
        ? `${system} client ${client} turn ${turn}`
        : `${said} and turn ${turn} `.padEnd(said.length + 400, 'x ');
    await ask(said, 20 + ((client * 7 + turn * 13) % 60));
  }
}

async function ask(text: string, tokens: number): Promise<void> {
  const body = JSON.stringify({ text, sampling_params: { max_new_tokens: tokens }, stream: true });
  const answer = await fetch(`${URL}/generate`, { method: 'POST', body });
  await answer.text();
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await delay(100);
}

function tmuxOn(socket: string) {
  return (...args: readonly string[]) => execFileSync('tmux', ['-S', socket, ...args], { encoding: 'utf8' });
}
