import type { Snapshot } from '../snapshot.ts';
import { bindActions, showActions } from './actions.ts';
import { bindHold, showDecisions } from './decisions.ts';
import { byId } from './dom.ts';
import { showErrors } from './errors.ts';
import { showNow } from './now.ts';
import { Plots } from './plots.ts';
import { follow, SignInNeeded } from './server.ts';
import { showServers } from './servers.ts';
import { askForKey, bindSignOut } from './sign-in.ts';
import { bindTheme } from './theme.ts';
import { showWorkers } from './workers.ts';

const AGAIN_AFTER_MS = 1_000;

const plots = new Plots();
let signedIn = false;

bindTheme(() => plots.redraw());
bindActions();
bindHold();
bindSignOut();
void run();

/** Follows the router while the page is looked at: in a hidden tab it costs nothing, neither here nor there. */
async function run(): Promise<void> {
  for (;;) {
    await visible();
    try {
      await look();
      showConnection('The router has ended the connection; trying again.');
    } catch (error) {
      if (error instanceof SignInNeeded) {
        showOnly('sign-in');
        await askForKey();
        signedIn = true;
        continue;
      }
      if (document.hidden) continue;
      showConnection(`Not connected: ${(error as Error).message}. Trying again; what stands below is old.`);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
  }
}

async function look(): Promise<void> {
  const hidden = new AbortController();
  const leave = () => {
    if (document.hidden) hidden.abort();
  };
  document.addEventListener('visibilitychange', leave);
  try {
    for await (const snapshot of follow(hidden.signal)) {
      showOnly('dashboard');
      showConnection('');
      show(snapshot);
    }
  } finally {
    document.removeEventListener('visibilitychange', leave);
  }
}

function show(snapshot: Snapshot): void {
  showNow(snapshot);
  showActions(snapshot);
  showServers(snapshot);
  plots.add(snapshot);
  showWorkers(snapshot);
  showDecisions(snapshot);
  showErrors(snapshot);
}

function showOnly(id: 'sign-in' | 'dashboard'): void {
  byId('sign-in').hidden = id !== 'sign-in';
  byId('dashboard').hidden = id !== 'dashboard';
  byId('sign-out').hidden = id !== 'dashboard' || !signedIn;
}

function showConnection(problem: string): void {
  const element = byId('connection');
  element.hidden = problem === '';
  if (element.textContent !== problem) element.textContent = problem;
  byId('dashboard').classList.toggle('stale', problem !== '');
}

function visible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });
}
