import { pythonFor } from '../launch/engine.ts';
import { askNvidia, type Nvidia } from '../launch/nvidia.ts';
import { askPython, type PythonAnswer } from '../launch/python-facts.ts';

/** What more than one check needs of the machine, each asked for once. */
export class Machine {
  readonly #env: NodeJS.ProcessEnv;
  #python: Promise<PythonAnswer> | undefined;
  #nvidia: Promise<Nvidia> | undefined;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Of the Python that runs the servers. */
  python(): Promise<PythonAnswer> {
    this.#python ??= askPython(pythonFor(this.#env));
    return this.#python;
  }

  nvidia(): Promise<Nvidia> {
    this.#nvidia ??= askNvidia(this.#env);
    return this.#nvidia;
  }
}
