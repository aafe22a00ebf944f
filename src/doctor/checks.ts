import type { Check } from './check.ts';
import { checkDisk } from './disk.ts';
import { checkDriver, checkGpus } from './gpus.ts';
import { checkLeftovers } from './leftovers.ts';
import { checkModel } from './model.ts';
import { checkNode } from './node.ts';
import { checkOpenFiles } from './open-files.ts';
import { checkPorts } from './ports.ts';
import { checkProxies } from './proxies.ts';
import { checkPython, checkSglang, checkTorch } from './python.ts';

/** All that is looked at, in the order in which it is told. */
export const CHECKS: readonly Check[] = [
  { name: 'node', title: 'Node', look: checkNode },
  { name: 'python', title: 'Python', look: checkPython },
  { name: 'sglang', title: 'sglang', look: checkSglang },
  { name: 'torch', title: 'torch', look: checkTorch },
  { name: 'driver', title: 'driver', look: checkDriver },
  { name: 'gpus', title: 'GPUs', look: checkGpus },
  { name: 'model', title: 'model', look: checkModel },
  { name: 'ports', title: 'ports', look: checkPorts },
  { name: 'open-files', title: 'open files', look: checkOpenFiles },
  { name: 'proxies', title: 'proxies', look: checkProxies },
  { name: 'disk', title: 'disk', look: checkDisk },
  { name: 'leftovers', title: 'leftovers', look: checkLeftovers },
];
