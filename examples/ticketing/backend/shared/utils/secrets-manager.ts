/** Reads the named variables and refuses to go on when one is missing. */
export function readSecrets(names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = process.env[name];
    if (!value) {
      throw new Error(`${name} is not set`);
    }
    found[name] = value;
  }
  return found;
}
