import { execa } from 'execa';

/** What a Python says of itself and of what is installed for it. */
export interface PythonFacts {
  readonly executable: string;
  readonly version: string;
  readonly sglang: PackageFacts | null;
  readonly torch: (PackageFacts & { readonly cuda: string | null; readonly hip: string | null }) | null;
}

interface PackageFacts {
  /** Null where it was not installed as a package. */
  readonly version: string | null;
}

/** Its facts, or why it does not tell them. */
export type PythonAnswer = { readonly python: string } & (
  | { readonly facts: PythonFacts }
  | { readonly facts: undefined; readonly problem: string }
);

/** Imports neither package: torch alone takes seconds. A bare folder of the name (a git clone) is no package. */
const SCRIPT = `import importlib.util as u, json, os, re, sys
def package(name):
    try:
        spec = u.find_spec(name)
    except Exception:
        return None
    if spec is None or spec.origin is None:
        return None
    try:
        from importlib.metadata import version
        found = version(name)
    except Exception:
        found = None
    return {"version": found, "origin": spec.origin}
def told(text, name):
    found = re.search(r"^" + name + r"\\b[^=\\n]*=\\s*'([^']+)'", text, re.M)
    return found.group(1) if found else None
torch = package("torch")
if torch:
    try:
        with open(os.path.join(os.path.dirname(torch["origin"]), "version.py")) as file:
            text = file.read()
    except OSError:
        text = ""
    torch.update(cuda=told(text, "cuda"), hip=told(text, "hip"))
print(json.dumps({"executable": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3],
    "sglang": package("sglang"), "torch": torch}))`;
const TIMEOUT_MS = 30_000;

/** Asks that Python; takes some 100 ms. */
export async function askPython(python: string): Promise<PythonAnswer> {
  const result = await execa(python, ['-c', SCRIPT], { reject: false, stdin: 'ignore', timeout: TIMEOUT_MS });
  if (result.timedOut) return { python, facts: undefined, problem: `it did not answer within ${TIMEOUT_MS / 1000} s` };
  if (result.failed) return { python, facts: undefined, problem: reasonOf(result) };
  try {
    return { python, facts: JSON.parse(result.stdout) as PythonFacts };
  } catch {
    return { python, facts: undefined, problem: `it answered ${JSON.stringify(result.stdout.slice(0, 100))}` };
  }
}

/** Why a program did not run: that it is not there, the last line it wrote, or its exit code. */
export function reasonOf(result: {
  readonly code?: string | undefined;
  readonly stderr?: string;
  readonly exitCode?: number | undefined;
}): string {
  if (result.code !== undefined) return result.code === 'ENOENT' ? 'no such program' : result.code;
  return result.stderr?.trim().split('\n').at(-1) || `exit code ${result.exitCode}`;
}
