import { columnsOf } from '../../src/terminal/columns.ts';

/** A piece of a row of a terminal, in one style. */
interface Piece {
  readonly text: string;
  readonly colour: string;
  readonly bold: boolean;
  readonly dim: boolean;
}

const BACKGROUND = '#0d1117';
const TEXT = '#e6edf3';
/** Of the eight colours that programs name, 30 to 37. */
const COLOURS = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#e6edf3'];
const GRAY = '#8b949e';

const CELL_WIDTH = 7.8;
const CELL_HEIGHT = 17;
const MARGIN = 14;
const FONT = `13px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace`;

/** Rows as a terminal sends them, with its colours, as a picture that is dark on any page. */
export function terminalSvg(rows: readonly string[], columns: number): string {
  const [width, height] = [columns * CELL_WIDTH + 2 * MARGIN, rows.length * CELL_HEIGHT + 2 * MARGIN];
  const texts = rows.map((row, at) => rowSvg(piecesOf(row), MARGIN + (at + 0.75) * CELL_HEIGHT));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}">
<title>A launch on a terminal</title>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g style='font:${FONT}'>
${texts.filter((text) => text !== '').join('\n')}
</g></svg>
`;
}

/** Each piece stands where its column is, whatever font there is; bars are drawn. */
function rowSvg(pieces: readonly Piece[], y: number): string {
  let column = 0;
  return pieces
    .map((piece) => {
      const x = MARGIN + column * CELL_WIDTH;
      const columns = columnsOf(piece.text);
      column += columns;
      if (piece.text.trim() === '') return '';
      return /^[█░]/.test(piece.text) ? barSvg(piece, x, y) : textSvg(piece, x, y, columns);
    })
    .join('');
}

function textSvg({ text, colour, bold, dim }: Piece, x: number, y: number, columns: number): string {
  const look = `fill="${colour}"${bold ? ' font-weight="bold"' : ''}${dim ? ' fill-opacity=".6"' : ''}`;
  const length = `textLength="${round(columns * CELL_WIDTH)}"`;
  return `<text x="${round(x)}" y="${round(y)}" ${length} ${look}>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
}

function barSvg({ text, colour }: Piece, x: number, y: number): string {
  const rect = (from: number, cells: number, opacity: number) =>
    cells === 0
      ? ''
      : `<rect x="${round(x + from * CELL_WIDTH)}" y="${round(y - 10)}" width="${round(cells * CELL_WIDTH)}" height="11" fill="${colour}" fill-opacity="${opacity}"/>`;
  const filled = text.lastIndexOf('█') + 1;
  return rect(0, filled, 1) + rect(filled, text.length - filled, 0.25);
}

/** Bars are pieces of their own, as is what has more than one space before it: a picture keeps only one. */
function piecesOf(row: string): readonly Piece[] {
  let style = { colour: TEXT, bold: false, dim: false };
  return row.split('\x1b[').flatMap((part, at) => {
    const [, codes = '', text = ''] = at === 0 ? ['', '', part] : (/^([\d;]*)m(.*)$/s.exec(part) ?? []);
    if (at > 0) style = codes.split(';').reduce((before, code) => styled(before, Number(code)), style);
    return (text.match(/[█░]+|[^█░ ]+(?: [^█░ ]+)*| +/g) ?? []).map((piece) => ({ ...style, text: piece }));
  });
}

function styled(style: Omit<Piece, 'text'>, code: number): Omit<Piece, 'text'> {
  if (code === 0) return { colour: TEXT, bold: false, dim: false };
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, colour: TEXT };
  if (code === 90) return { ...style, colour: GRAY };
  return { ...style, colour: COLOURS[code - 30] ?? style.colour };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
