import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts, Program } from '../../src/bench/program.ts';
import { ExitError } from '../../src/errors/errors.ts';

const SLEEP = 'setInterval(() => {}, 1000)';

test('it is ready when it says so', async () => {
  const program = new Program('p', process.execPath, ['-e', `console.log("port 7"); ${SLEEP}`]);
  try {
    const port = await program.until(() => /port (\d+)/.exec(program.output)?.[1], 30_000);
    assert.equal(port, '7');
    assert.equal(program.over, false);
  } finally {
    await program.kill();
  }
  assert.equal(program.over, true);
});

test('one that ends, cannot be started or is never ready is an error that says so', async () => {
  const cases = [
    [['-e', 'console.error("no such model"); process.exit(3)'], /^p ended before it was ready:\n {2}no such model$/],
    [['-e', SLEEP], /^p was not ready within 0\.05 s/],
  ] as const;
  for (const [args, message] of cases) {
    const program = new Program('p', process.execPath, args);
    const timeoutMs = message.source.includes('within') ? 50 : 30_000;
    await assert.rejects(
      program.until(() => undefined, timeoutMs),
      (error) => error instanceof ExitError && message.test(error.message),
    );
    await program.kill();
  }
  const missing = new Program('p', '/nowhere/p', []);
  await assert.rejects(
    missing.until(() => undefined, 30_000),
    /nowhere.*not found/,
  );
});

test('it is gone when it was killed, whoever still holds its output', async () => {
  const holder = `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'], { stdio: 'inherit' })`;
  const program = new Program('p', process.execPath, ['-e', `console.log("held by " + ${holder}.pid); ${SLEEP}`]);
  const pid = await program.until(() => /held by (\d+)\n/.exec(program.output)?.[1], 30_000);
  const killed = program.kill().then(() => 'killed');
  const timer = Promise.withResolvers<string>();
  const limit = setTimeout(() => timer.resolve('still waiting'), 4000);
  assert.equal(await Promise.race([killed, timer.promise]), 'killed');
  clearTimeout(limit);
  // Else this process waited until the holder ends by itself.
  process.kill(Number(pid));
});

test('it does not outlive the process that started it, however that ended', async () => {
  const child = `console.log(process.pid); ${SLEEP}`;
  const starter = `
    const { Program } = await import(${JSON.stringify(import.meta.resolve('../../src/bench/program.ts'))});
    const program = new Program('p', process.execPath, ['-e', ${JSON.stringify(child)}]);
    await program.until(() => (program.output ? console.log(program.output) ?? true : undefined), 30_000);
    ${SLEEP}`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', starter], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(parent.stdout, 'data');
  const pid = Number(said);
  assert.equal(isAlive(pid), true);
  parent.kill('SIGKILL');
  while (isAlive(pid)) await delay(5);
});

/** A process that has ended, but that nobody has asked for, is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('free ports are all different', async () => {
  const ports = await freePorts(5);
  assert.equal(new Set(ports).size, 5);
});
