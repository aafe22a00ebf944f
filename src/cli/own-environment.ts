/** Names the variable that was set for this program alone; the Python package sets it. */
const OWN = 'SGLANG_ROUTER_OWN_VARIABLE';

/** Removes what was set for this program alone, so that the servers it starts do not inherit it. */
export function removeOwnVariable(env: NodeJS.ProcessEnv): void {
  const { [OWN]: name } = env;
  if (name === undefined) return;
  delete env[name];
  delete env[OWN];
}
