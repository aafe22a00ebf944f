import { address, count, UNKNOWN } from '../format.ts';
import type { ErrorView, Snapshot } from '../snapshot.ts';
import { byId, create, setText } from './dom.ts';
import { KeyedList } from './keyed-list.ts';

const HEADINGS = Array.from(byId('errors').querySelectorAll('th'), ({ textContent }) => textContent ?? '');
const NUMBERS = new Set([3, 4]);
const SEEN_BY = { client: 'clients', router: 'the router: calls to a worker' } as const;

const rows = new KeyedList<ErrorView, HTMLTableRowElement>(
  byId('errors').querySelector('tbody')!,
  ({ cause, seenBy, worker }) => `${seenBy} ${worker} ${cause}`,
  {
    make: () => create('tr', {}, ...HEADINGS.map(makeCell)),
    show: (row, { cause, seenBy, worker, count: recent, total }) => {
      const texts = [cause, SEEN_BY[seenBy], worker === null ? UNKNOWN : address(worker), count(recent), count(total)];
      for (const [at, text] of texts.entries()) setText(row.cells[at]!, text);
    },
  },
);

export function showErrors({ errors }: Snapshot): void {
  byId('no-errors').hidden = errors.length > 0;
  byId('errors').hidden = errors.length === 0;
  rows.show(errors);
}

function makeCell(heading: string, at: number): HTMLTableCellElement {
  // Of the time that counts are over, which changes.
  const cell = create('td', { 'data-heading': heading || 'Lately' });
  if (NUMBERS.has(at)) cell.classList.add('number');
  return cell;
}
