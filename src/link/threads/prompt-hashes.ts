import { Blocks } from '../../scheduler/index/blocks.ts';
import type { PromptNeeds } from '../../scheduler/policies/policy.ts';
import { hashHead } from '../../scheduler/policies/prompt-head.ts';
import type { RoutingHints } from '../scheduling.ts';

const blocks = new Blocks();

/** What policies in another thread need of a prompt; undefined where there is none, or they read none. */
export function promptHashes(needs: PromptNeeds, hints: RoutingHints): RoutingHints['prompt'] {
  if (needs === 'nothing') return undefined;
  const { prompt } = hints;
  if (!(prompt instanceof Uint8Array)) return prompt;
  // Not `slice`, which of a Buffer is no copy.
  if (needs === 'text') return new Uint8Array(prompt);
  const head = hashHead(prompt);
  if (needs === 'head') return { length: prompt.length, head, hashes: undefined };
  blocks.hash(prompt);
  return { length: blocks.bytes, head, hashes: blocks.hashes() };
}
