/** A terminal that is drawn on. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Terminals that know these show what lies between as one frame; others ignore them. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';

/** A terminal that does not know its size says 0. */
export function sizeOf({ columns, rows }: Terminal): { readonly columns: number; readonly rows: number } {
  return { columns: columns || 80, rows: rows || 24 };
}

/** One write, so that it does not flicker. */
export function writeFrame(terminal: Terminal, text: string): void {
  terminal.write(`${FRAME_BEGIN}${text}${FRAME_END}`);
}
