import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { documents, ROOT } from '../helpers/documents.ts';

const PAGES = new Map(documents().map(({ path, text }) => [path, withoutCode(text)]));

function withoutCode(text: string): string {
  return text
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.slice(1, -1).replaceAll(/[[\]()]/g, ''));
}

/** The names that headings can be linked by. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

for (const [path, text] of PAGES) {
  test(`the links of ${path} lead somewhere`, () => {
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^https?:/.test(target)) return [];
      const [file = '', anchor] = target.split('#');
      const page = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(ROOT, page))) return [target];
      const known = anchor === undefined || anchorsOf(PAGES.get(page) ?? '').has(anchor);
      return known ? [] : [target];
    });
    assert.deepEqual(broken, []);
  });
}

test('every page of docs can be found from the README', () => {
  const reached = new Set<string>();
  const follow = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, target = ''] of (PAGES.get(path) ?? '').matchAll(/\]\(([^)#\s]+)/g)) {
      if (!/^https?:/.test(target)) follow(normalize(join(dirname(path), target)));
    }
  };
  follow('README.md');
  assert.deepEqual(
    [...PAGES.keys()].filter((path) => !reached.has(path)),
    [],
  );
});
