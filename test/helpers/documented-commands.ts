import { documents } from './documents.ts';

/** What a page tells its reader to run. */
export interface DocumentedCommand {
  readonly page: string;
  /** A command, the commands of a session, or a program; lines that go on are one. */
  readonly text: string;
  readonly language: 'sh' | 'python';
}

const FENCES = /^```(\w*)\n(.*?)^```/gms;

/** All commands of the README and of docs: lines of `sh` blocks, sessions in `console` blocks after `$ `, and `python` blocks. */
export const COMMANDS: readonly DocumentedCommand[] = documents().flatMap(({ path, text }) =>
  [...text.matchAll(FENCES)].flatMap(([, language = '', block = '']) =>
    textsOf(language, block).map(
      (command): DocumentedCommand => ({
        page: path,
        text: command,
        language: language === 'python' ? 'python' : 'sh',
      }),
    ),
  ),
);

/** Commands of a page that stand anywhere else. */
export function strayCommands(text: string): readonly string[] {
  const others = text.replaceAll(FENCES, (block, language: string) => (isRun(language) ? '' : block));
  return others
    .split('\n')
    .filter((line) =>
      /^ *(?:\$ )?(?:sglang-launch|sglang-router|python3? -m|curl|kubectl|helm|docker|npm|npx|node|pip) \S/.test(line),
    );
}

function isRun(language: string): boolean {
  return ['sh', 'console', 'python'].includes(language);
}

function textsOf(language: string, block: string): readonly string[] {
  if (language === 'python') return [block];
  const lines = block.replaceAll(/ *\\\n */g, ' ').split('\n');
  if (language === 'sh') return lines.map(withoutComment).filter((line) => line !== '');
  if (language !== 'console') return [];
  return [lines.flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : [])).join('\n')];
}

/** An ellipsis stands for more of the same. */
function withoutComment(line: string): string {
  return line
    .replace(/(?:^|\s+)#.*$/, '')
    .replaceAll(' … ', ' ')
    .trim();
}
