import { address, count, hits, percent, percentiles, sign, standing, UNKNOWN } from '../format.ts';
import type { Snapshot, WorkerView } from '../snapshot.ts';
import { actOn } from './actions.ts';
import { byId, create, setAttribute, setText } from './dom.ts';
import { KeyedList } from './keyed-list.ts';

/** Headings of the table; cells bear them where it is too narrow for a table. */
const HEADINGS = Array.from(byId('workers').querySelectorAll('th'), ({ textContent }) => textContent ?? '');

/** The cells of a worker, in their order: what is written into each. */
const TEXTS: readonly ((worker: WorkerView) => string)[] = [
  ({ url }) => address(url),
  (worker) => `${sign(standing(worker))} ${standing(worker)}`,
  ({ inFlight, ranks }) => (ranks.length > 1 ? `${inFlight} (${ranks.join(' ')})` : count(inFlight)),
  ({ running, queued }) => (running === null ? UNKNOWN : `${count(running)} + ${count(queued)}`),
  ({ kvUse }) => percent(kvUse),
  ({ requestsPerSec }) => count(requestsPerSec),
  ({ ttftMs }) => percentiles(ttftMs),
  ({ itlMs }) => percentiles(itlMs),
  ({ hitRate }) => hits(hitRate),
  ({ failures }) => count(failures),
];
const KV_USE = 4;
const NUMBERS = new Set([2, 3, 5, 6, 7, 8, 9]);

/** As the last snapshot has them, for what a button asks. */
let latest: ReadonlyMap<string, WorkerView> = new Map();

const rows = new KeyedList<WorkerView, HTMLTableRowElement>(byId('workers').querySelector('tbody')!, ({ id }) => id, {
  make: makeRow,
  show: showRow,
});

export function showWorkers({ workers, failedAdditions }: Snapshot): void {
  byId('no-workers').hidden = workers.length > 0;
  latest = new Map(workers.map((worker) => [worker.id, worker]));
  rows.show(workers);
  const failed = failedAdditions.map(({ url, problem }) => `${address(url)} was not added: ${problem}`);
  if (byId('additions').textContent !== failed.join(''))
    byId('additions').replaceChildren(...failed.map((text) => create('li', {}, text)));
}

function makeRow({ id, url }: WorkerView): HTMLTableRowElement {
  const row = create('tr');
  for (const at of TEXTS.keys()) {
    const cell = create(at === 0 ? 'th' : 'td', { 'data-heading': HEADINGS[at] ?? '' });
    if (at === 0) cell.setAttribute('scope', 'row');
    if (NUMBERS.has(at)) cell.classList.add('number');
    cell.append(create('span'));
    row.append(cell);
  }
  // Role and model below the address, what is wrong below the state, a bar below the share.
  row.cells[0]?.append(create('small'));
  row.cells[1]?.append(create('small', { class: 'problem' }));
  row.cells[KV_USE]?.append(
    create('meter', { min: '0', max: '1', high: '0.9', 'aria-label': `KV cache in use at ${address(url)}` }),
  );
  const actions = create('td', { class: 'actions' });
  for (const action of ['drain', 'remove', 'flush'] as const) {
    const name = { drain: 'Drain', remove: 'Remove', flush: 'Flush' }[action];
    const button = create('button', { type: 'button', 'aria-label': `${name} ${address(url)}` }, `${name}…`);
    button.onclick = () => {
      const worker = latest.get(id);
      if (worker) actOn(action, worker);
    };
    actions.append(button);
  }
  row.append(actions);
  return row;
}

function showRow(row: HTMLTableRowElement, worker: WorkerView): void {
  for (const [at, text] of TEXTS.entries()) setText(row.cells[at]!.firstElementChild!, text(worker));
  const { role, model, problem, kvUse, kvCapacityTokens, state } = worker;
  const about = [role === 'regular' ? '' : role, model === 'unknown' ? '' : model].filter(Boolean).join(' · ');
  setText(row.cells[0]!.lastElementChild!, about);
  const why = row.cells[1]!.lastElementChild!;
  setText(why, problem ?? '');
  // That one which starts does not answer yet is nothing to worry about.
  why.classList.toggle('problem', state !== 'starting');
  setAttribute(row.cells[1]!.firstElementChild!, 'data-state', standing(worker));
  const meter = row.cells[KV_USE]!.lastElementChild as HTMLMeterElement;
  meter.hidden = kvUse === null;
  setAttribute(meter, 'value', String(kvUse ?? 0));
  setAttribute(
    row.cells[KV_USE]!,
    'title',
    kvCapacityTokens === null ? undefined : `of ${count(kvCapacityTokens)} tokens`,
  );
  for (const button of row.querySelectorAll('button')) button.disabled = state === 'draining';
}
