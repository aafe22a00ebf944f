import { address } from '../format.ts';
import type { Snapshot, WorkerView } from '../snapshot.ts';
import { byId, create } from './dom.ts';
import { post } from './server.ts';

/** What the dialog says before something is done. */
interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
}

type WorkerAction = 'drain' | 'remove' | 'flush';

const AGAIN: Readonly<Record<string, string>> = {
  file: ' The file of workers still names it: take it out there, or it comes back with the next change.',
  kubernetes: ' Its pod still runs: it comes back with the next list of pods.',
  dns: ' The DNS still names it: it comes back with the next answer.',
  launch: ' Its server runs on, and is not used.',
};

const ABOUT_WORKER: Readonly<Record<WorkerAction, (worker: WorkerView) => Question>> = {
  drain: ({ url, inFlight, source }) => ({
    title: `Drain ${address(url)}?`,
    text: `It gets no more requests. ${running(inFlight)} may finish, then it is removed.${AGAIN[source] ?? ''}`,
    yes: 'Drain it',
  }),
  remove: ({ url, inFlight, source }) => ({
    title: `Remove ${address(url)} now?`,
    text: `${running(inFlight)} will be cut off. Drain lets them finish.${AGAIN[source] ?? ''}`,
    yes: 'Remove it',
  }),
  flush: ({ url }) => ({
    title: `Flush the cache of ${address(url)}?`,
    text: 'Prompts that it has cached are computed again. A server that is busy refuses.',
    yes: 'Flush it',
  }),
};

const FLUSH_ALL: Question = {
  title: 'Flush the caches of all workers?',
  text: 'Prompts that they have cached are computed again. A server that is busy refuses.',
  yes: 'Flush them',
};
const RESTART: Question = {
  title: 'Start all servers again?',
  text: 'One after the other: each finishes its requests while the others serve, and loads its model again. It ends at the first that does not come back.',
  yes: 'Restart them',
};
const ADD: Question = {
  title: 'Add a worker',
  text: 'It gets requests once it is healthy.',
  yes: 'Add it',
};

let roles = '';

export function bindActions(): void {
  byId('add').onclick = add;
  byId('flush').onclick = () => act(FLUSH_ALL, { action: 'flush' });
  byId('restart').onclick = () => act(RESTART, { action: 'restart' });
}

/** Asks first, then does that to a worker. */
export function actOn(action: WorkerAction, worker: WorkerView): void {
  void act(ABOUT_WORKER[action](worker), { action, worker: worker.id });
}

/** What can be done now, and in which roles a worker can be added. */
export function showActions({ rollingRestart, servers, router }: Snapshot): void {
  const restart = byId<HTMLButtonElement>('restart');
  restart.hidden = servers.length === 0;
  restart.disabled = rollingRestart !== 'possible';
  restart.textContent = rollingRestart === 'running' ? 'Rolling restart runs' : 'Rolling restart…';
  const now = Object.keys(router.policies);
  if (now.join() === roles) return;
  roles = now.join();
  byId('worker-role').replaceChildren(...now.map((role) => create('option', {}, role)));
}

async function add(): Promise<void> {
  const url = byId<HTMLInputElement>('worker-url');
  const role = byId<HTMLSelectElement>('worker-role');
  byId('confirm-fields').hidden = false;
  byId('role-field').hidden = role.options.length < 2;
  url.required = true;
  url.value = '';
  const confirmed = await ask(ADD);
  byId('confirm-fields').hidden = true;
  url.required = false;
  if (confirmed) await send({ action: 'add', url: url.value, worker_type: role.value });
}

async function act(question: Question, fields: object): Promise<void> {
  if (await ask(question)) await send(fields);
}

async function send(fields: object): Promise<void> {
  try {
    say(await post('actions', fields), false);
  } catch (error) {
    say((error as Error).message, true);
  }
}

/** Opens the dialog, in which Cancel has the focus; resolves with what was chosen. */
function ask({ title, text, yes }: Question): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>('confirm');
  byId('confirm-title').textContent = title;
  byId('confirm-text').textContent = text;
  byId('confirm-yes').textContent = yes;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}

const SHOWN_MS = 8_000;
let timer: ReturnType<typeof setTimeout> | undefined;

function say(text: string, isProblem: boolean): void {
  const message = byId('message');
  message.textContent = text;
  message.classList.toggle('problem', isProblem);
  clearTimeout(timer);
  // What went wrong stays until something else is said.
  if (!isProblem) timer = setTimeout(() => message.replaceChildren(), SHOWN_MS);
}

function running(inFlight: number): string {
  if (inFlight === 0) return 'No request is in flight there; what comes until then';
  return inFlight === 1 ? 'The request in flight there' : `The ${inFlight} requests in flight there`;
}
