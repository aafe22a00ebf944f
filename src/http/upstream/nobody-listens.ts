/**
 * Whether the error says that no process listens at the address: what one had cached there is gone. A time-out, a name that
 * does not resolve or a network without a way there say nothing of the process.
 */
export function nobodyListens(error: unknown): boolean {
  const { code, syscall, errors } = error as NodeJS.ErrnoException & { readonly errors?: readonly unknown[] };
  // A name with several addresses: each was tried.
  if (errors !== undefined && errors.length > 0) return errors.every(nobodyListens);
  return syscall === 'connect' && (code === 'ECONNREFUSED' || code === 'ECONNRESET');
}
