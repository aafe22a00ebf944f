/** Where a value can come from; what stands first counts. */
type OriginKind = 'command line' | 'environment' | 'file' | 'server file' | 'default';

/** Where a value comes from. */
export interface Origin {
  readonly kind: OriginKind;
  /** In words: `command line`, the variable, or the file and the line. */
  readonly place: string;
}

export const FROM_COMMAND_LINE: Origin = { kind: 'command line', place: 'command line' };
export const BY_DEFAULT: Origin = { kind: 'default', place: 'default' };
