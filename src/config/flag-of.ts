import type { Config } from './options.ts';

/** How the command line at hand spells the flag of an option. */
export type FlagOf = (key: keyof Config) => string;
