import { resolveServer } from '../config/launch.ts';
import type { Check, Finding, Subject } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks.ts';
import { removeLeftovers } from '../doctor/leftovers.ts';
import { Machine } from '../doctor/machine.ts';
import { findingText, summaryText } from './doctor-text.ts';
import type { SmallCommand } from './small-command.ts';

export const DOCTOR: SmallCommand = {
  usage: '[flags] [flags of a launch]',
  intro: `Looks at this machine before a start, or when one fails: Node, Python, sglang and torch, driver and GPUs, the model, ports, \
limits, proxies, disk, and processes that earlier launches left. Nothing is started, and nothing is asked of the network. \
With the flags of a launch it looks at what that launch needs. The exit code is 1 where a start would fail.

Example: sglang-launch doctor --model-path meta-llama/Meta-Llama-3.1-8B-Instruct --dp-size 4`,
  flags: [
    ['--json', 'the findings for programs'],
    ['--kill-leftovers', 'end the processes that launches of this user have left behind'],
  ],
};

/** `doctor`: tells what a start would fail or suffer from. Resolves with the exit code. */
export async function runDoctor(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const own = new Set(DOCTOR.flags.map(([flag]) => flag));
  const asked = new Set(argv.filter((word) => own.has(word)));
  const { config, launch } = await resolveServer(
    argv.filter((word) => !own.has(word)),
    env,
    { modelNeeded: false },
  );
  const subject: Subject = { config, launch, env, machine: new Machine(env) };
  const removal: readonly Check[] = asked.has('--kill-leftovers')
    ? [{ name: 'kill-leftovers', title: 'leftovers', look: removeLeftovers }]
    : [];
  return asked.has('--json') ? tellJson(removal, subject) : tell(removal, subject);
}

/** Each check as soon as it is done: a driver that hangs takes seconds. */
async function tell(removal: readonly Check[], subject: Subject): Promise<number> {
  const { stdout } = process;
  const all: Finding[] = [];
  for (const check of [...removal, ...CHECKS]) {
    const findings = await check.look(subject);
    for (const finding of findings) stdout.write(findingText(check.title, finding, stdout));
    all.push(...findings);
  }
  stdout.write(summaryText(all));
  return exitCodeOf(all);
}

async function tellJson(removal: readonly Check[], subject: Subject): Promise<number> {
  const findings: object[] = [];
  const all: Finding[] = [];
  for (const check of [...removal, ...CHECKS]) {
    for (const finding of await check.look(subject)) {
      all.push(finding);
      findings.push({ check: check.name, ...finding });
    }
  }
  const code = exitCodeOf(all);
  process.stdout.write(`${JSON.stringify({ ok: code === 0, findings }, null, 2)}\n`);
  return code;
}

function exitCodeOf(findings: readonly Finding[]): number {
  return findings.some(({ verdict }) => verdict === 'problem') ? 1 : 0;
}
