/** How much a line of a server's output matters to whoever watches the launch. */
export type Importance = 'error' | 'warning' | undefined;

/** Words in capitals are levels of a log; names of exceptions begin a line, or follow the time and rank that SGLang puts first. */
const ERROR =
  /\b(?:ERROR|CRITICAL|FATAL)\b|^(?:\[[^\]]*\] )?(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?:: |$)|\bFatal Python error\b|\bSegmentation fault\b|\bScheduler hit an exception\b/;
/** Not Python's own warnings: each import of a server prints some. */
const WARNING = /\b(?:WARN|WARNING)\b/;

/** A line is judged by its beginning: a prompt that a server logs may be long and say anything. */
const JUDGED_CHARACTERS = 300;

/** By the words that log levels and exceptions are written with; SGLang's own lines have no level. */
export function importanceOf(line: string): Importance {
  const start = line.slice(0, JUDGED_CHARACTERS);
  if (ERROR.test(start)) return 'error';
  return WARNING.test(start) ? 'warning' : undefined;
}

/** The line without time and rank: what several servers or ranks say alike. */
export function sentenceOf(line: string): string {
  return line.replace(/^\[[^\]]*\] /, '').replaceAll(/\d+/g, '0');
}
