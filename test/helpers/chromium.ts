import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where a Chromium is, as `CHROMIUM` or the system has it. */
export const CHROMIUM = PLACES.find((place) => place !== undefined && existsSync(place));

/** Why a test that needs a browser cannot run; false where it can. */
export const withoutChromium =
  CHROMIUM === undefined && 'no Chromium here: install the package chromium, or name one in CHROMIUM';

/** A browser without a window. */
export async function startChromium(): Promise<Browser> {
  // Loaded only where there is a browser: it takes a second.
  const { chromium } = await import('playwright-core');
  // Chromium's own sandbox cannot be had as root or in a container; it sees no page but ours.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: CHROMIUM as string, args });
}
