import { ExitError } from '../../errors/errors.ts';
import { arriving } from '../prompt.ts';
import { Random } from '../random.ts';
import { readTrace } from './trace-file.ts';
import { sessionsOf } from './trace-sessions.ts';
import type { Workload } from './workload.ts';

/** What a router has recorded, or another trace in Mooncake's format, sent as it came. */
export const TRACE: Workload = {
  name: 'trace',
  about: 'the requests of --trace-file',
  build({ seed, scale, requestRate, maxConcurrency = Number.POSITIVE_INFINITY, traceFile = '' }) {
    if (scale > 1) throw new ExitError('usage', `--scale: expected at most 1 with --trace-file, got ${scale}`);
    const rows = readTrace(traceFile);
    const recorded = rows.slice(0, Math.max(1, Math.round(rows.length * scale)));
    const sessions = sessionsOf(recorded, seed);
    return {
      api: 'generate',
      sessions: requestRate === undefined ? sessions : arriving(sessions, requestRate, new Random(seed)),
      maxConcurrency,
      recorded,
    };
  },
};
