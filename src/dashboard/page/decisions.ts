import { address, duration, hit, outcome, UNKNOWN } from '../format.ts';
import type { DecisionView, Snapshot } from '../snapshot.ts';
import { byId, create, setText } from './dom.ts';
import { KeyedList } from './keyed-list.ts';

const HEADINGS = Array.from(byId('decisions').querySelectorAll('th'), ({ textContent }) => textContent ?? '');
const WHY = 3;

const TEXTS: readonly ((decision: DecisionView) => string)[] = [
  ({ time }) => new Date(time).toLocaleTimeString(undefined, { hour12: false }),
  ({ route, attempt }) => (attempt > 1 ? `${route} · attempt ${attempt}` : route),
  ({ worker }) => address(worker),
  ({ policy, reason }) => `${policy}: ${reason.replaceAll('_', ' ')}`,
  ({ predictedHit, actualHit }) => hit(predictedHit, actualHit),
  ({ ttftMs }) => duration(ttftMs),
  ({ totalMs }) => duration(totalMs),
  outcome,
];
const NUMBERS = new Set([4, 5, 6]);

const rows = new KeyedList<DecisionView, HTMLTableRowElement>(
  byId('decisions').querySelector('tbody')!,
  ({ request, attempt, time }) => `${time} ${request} ${attempt}`,
  {
    make: makeRow,
    show: (row, decision) => {
      for (const [at, text] of TEXTS.entries()) setText(textIn(row.cells[at]!), text(decision));
    },
  },
);

/** While it is checked, or a row is open, the table stays as it is, so that it can be read under load. */
export function bindHold(): void {
  byId('decisions').addEventListener(
    'toggle',
    ({ target }) => {
      if ((target as HTMLDetailsElement).open) byId<HTMLInputElement>('hold').checked = true;
    },
    true,
  );
}

export function showDecisions({ decisions }: Snapshot): void {
  byId('no-decisions').hidden = decisions.length > 0;
  byId('decisions').hidden = decisions.length === 0;
  if (byId<HTMLInputElement>('hold').checked) rows.refresh(decisions);
  else rows.show(decisions);
}

function makeRow({ scores, request }: DecisionView): HTMLTableRowElement {
  const row = create('tr', { title: request });
  for (const at of TEXTS.keys()) {
    const cell = create('td', { 'data-heading': HEADINGS[at] ?? '' });
    if (NUMBERS.has(at)) cell.classList.add('number');
    cell.append(
      at === WHY && scores.length > 0 ? create('details', {}, create('summary'), scoreTable(scores)) : create('span'),
    );
    row.append(cell);
  }
  return row;
}

function textIn(cell: HTMLTableCellElement): Element {
  return cell.querySelector('summary') ?? cell.firstElementChild!;
}

/** What the policy compared, a row a worker. */
function scoreTable(scores: DecisionView['scores']): HTMLTableElement {
  const columns = [...new Set(scores.flatMap((row) => Object.keys(row)))];
  const head = create('tr', {}, ...columns.map((name) => create('th', { scope: 'col' }, name)));
  const body = scores.map((row) => create('tr', {}, ...columns.map((name) => create('td', {}, scoreText(row[name])))));
  return create('table', { class: 'scores' }, create('thead', {}, head), create('tbody', {}, ...body));
}

function scoreText(value: string | number | undefined): string {
  if (typeof value === 'string') return address(value);
  if (value === undefined) return UNKNOWN;
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
