/** So long a process whose work is over may take to end by itself. */
export const heldMs = 10_000;

/** Ends this process after so long at the latest, whatever holds it by then: a connection that nobody answers on, a thread, a timer. What it
 * has started ends with it. Does not hold it itself.
 * @param otherwise the exit code, if none is known by then */
export function endWithin(milliseconds: number, otherwise = 0): void {
  setTimeout(() => {
    process.stderr.write(`kustody: ended, though this was still open: ${counted(process.getActiveResourcesInfo())}\n`);
    process.exit(process.exitCode ?? otherwise);
  }, milliseconds).unref();
}

/** @param kinds of what is open, by Node's names */
function counted(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}
