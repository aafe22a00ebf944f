/** Whether the error says that no process listens at the address, so its cache is gone. Time-outs and unresolved names say nothing of the process. */
export function nobodyListens(error: unknown): boolean {
  const { code, syscall, errors } = error as NodeJS.ErrnoException & { readonly errors?: readonly unknown[] };
  // A host with several addresses has one error for each.
  if (errors !== undefined && errors.length > 0) return errors.every(nobodyListens);
  return syscall === 'connect' && (code === 'ECONNREFUSED' || code === 'ECONNRESET');
}
