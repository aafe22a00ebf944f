import { join } from 'node:path';
import { askPython, type PythonFacts } from '../launch/python-facts.ts';
import { onPath } from '../os/on-path.ts';
import { type Finding, ok, problem, type Subject, usesGpus } from './check.ts';

/** What sglang 0.5 needs. */
const OLDEST = [3, 10] as const;
const CHOOSE = 'name another Python in SGLANG_ROUTER_PYTHON';

/** The Python that runs the servers, and who chose it. */
export async function checkPython({ launch, env, machine }: Subject): Promise<readonly Finding[]> {
  if (launch.sim) return [notNeeded()];
  const answer = await machine.python();
  const { python, facts } = answer;
  const by = chosenBy(env);
  if (!facts) return [problem(`${python} (${by}) does not run: ${answer.problem}`, await chooseHint(env, python))];
  const text = `${facts.version} (${facts.executable}, ${by})`;
  const about = { version: facts.version, path: facts.executable };
  if (isOlder(facts.version)) {
    return [problem(`${text}: sglang needs ${OLDEST.join('.')} or newer`, await chooseHint(env, python), about)];
  }
  return [ok(text, about)];
}

/** Whether it has sglang; if not, which other one has. Nothing where that Python does not run. */
export async function checkSglang({ launch, env, machine }: Subject): Promise<readonly Finding[]> {
  if (launch.sim) return [notNeeded()];
  const { python, facts } = await machine.python();
  if (!facts) return [];
  if (facts.sglang) return [ok(facts.sglang.version ?? 'of unknown version', { version: facts.sglang.version })];
  return [problem(`not installed for ${python}`, await chooseHint(env, python))];
}

/** Whether it has a torch that can use these GPUs. */
export async function checkTorch({ launch, machine }: Subject): Promise<readonly Finding[]> {
  if (launch.sim) return [notNeeded()];
  const { python, facts } = await machine.python();
  // Whoever has to install sglang gets torch with it.
  if (!facts?.sglang) return [];
  const { torch } = facts;
  if (!torch) return [problem(`not installed for ${python}`, `${python} -m pip install sglang`)];
  const built = torch.cuda ? `for CUDA ${torch.cuda}` : torch.hip ? `for ROCm ${torch.hip}` : 'for CPUs alone';
  const about = { version: torch.version, cuda: torch.cuda, hip: torch.hip };
  const text = `${torch.version ?? 'of unknown version'}, built ${built}`;
  if (torch.cuda || torch.hip || !usesGpus(launch)) return [ok(text, about)];
  return [problem(text, 'install a torch that is built for GPUs (https://pytorch.org), or give --device cpu', about)];
}

function notNeeded(): Finding {
  return ok('not needed with --sim');
}

function chosenBy(env: NodeJS.ProcessEnv): string {
  if (env.SGLANG_ROUTER_PYTHON) return 'by SGLANG_ROUTER_PYTHON';
  if (env.VIRTUAL_ENV) return 'of the active virtual environment';
  return env.CONDA_PREFIX ? 'of the active conda environment' : 'the first python3 in PATH';
}

/** Names the first other Python at hand that has sglang. */
async function chooseHint(env: NodeJS.ProcessEnv, python: string): Promise<string> {
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX, '.venv'].flatMap((folder) =>
    folder ? join(folder, 'bin', 'python') : [],
  );
  const others = new Set([...environments, ...onPath('python3', env), ...onPath('python', env)]);
  for (const other of others) {
    if (other === python) continue;
    const { facts } = await askPython(other);
    if (facts?.sglang && !isOlder(facts.version)) return `${facts.executable} has sglang: ${setTo(facts)}`;
  }
  return `install it there (${python} -m pip install sglang), ${CHOOSE}, or try --sim`;
}

function setTo({ executable }: PythonFacts): string {
  return `export SGLANG_ROUTER_PYTHON=${executable}`;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}
