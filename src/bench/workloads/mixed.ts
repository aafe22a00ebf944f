import { arriving, segment, single } from '../prompt.ts';
import { Random } from '../random.ts';
import type { Workload } from './workload.ts';

const REQUESTS = 400;
const GROUPS = 6;
const SYSTEM_TOKENS = 1000;
const MEDIAN_QUESTION_TOKENS = 729;
/** Wide: one in a hundred questions is about twenty times as long as the median. */
const QUESTION_SIGMA = 1.3;
const LONGEST_QUESTION_TOKENS = 16_384;
const MEDIAN_OUTPUT_TOKENS = 32;
const OUTPUT_SIGMA = 0.7;
const CLIENTS = 48;

/** Few long prompts among many short ones: who counts requests instead of tokens puts short ones behind long ones. */
export const MIXED: Workload = {
  name: 'mixed',
  about: '6 prompts of 1,000 tokens, questions and answers of very different lengths, 48 clients',
  build({ seed, scale, requestRate = Number.POSITIVE_INFINITY, maxConcurrency = CLIENTS }) {
    const random = new Random(seed);
    const sessions = Array.from({ length: Math.max(1, Math.round(REQUESTS * scale)) }, (_, i) => {
      const system = segment(seed, `group ${random.below(GROUPS)}`, SYSTEM_TOKENS);
      const long = Math.ceil(random.lognormal(MEDIAN_QUESTION_TOKENS, QUESTION_SIGMA));
      const question = segment(seed, `question ${i}`, Math.min(long, LONGEST_QUESTION_TOKENS));
      return single([system], question, Math.ceil(random.lognormal(MEDIAN_OUTPUT_TOKENS, OUTPUT_SIGMA)));
    });
    return { api: 'generate', sessions: arriving(sessions, requestRate, random), maxConcurrency };
  },
};
