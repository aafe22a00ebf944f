import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointOf } from '../../src/http/endpoints.ts';
import { options, python } from '../helpers/real-sglang.ts';

const FOLDER = 'import importlib.util as u; print(u.find_spec("sglang").submodule_search_locations[0])';
const ROUTE =
  /^ *@(?:app|router)\.(?:get|head|post|put|delete|api_route)\(\s*(?:os\.environ\.get\(\s*"\w+",\s*)?"(\/[^"]*)"/gm;
/** Web servers beside the one that serves requests. */
const OTHERS = ['engine_info_bootstrap_server.py'];

test('every route of the real SGLang is in the table', options, () => {
  const folder = join(execFileSync(python as string, ['-c', FOLDER], { encoding: 'utf8' }).trim(), 'srt/entrypoints');
  const routes = readdirSync(folder)
    .filter((name) => name.endsWith('.py') && !OTHERS.includes(name))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(ROUTE)].map(([, path = '']) => path));
  assert.ok(routes.length > 80, `${routes.length} routes`);
  const unknown = routes.filter((path) => endpointOf(path.replaceAll(/\{[^}]*\}/g, 'x')).path === 'other');
  assert.deepEqual(unknown, []);
});
