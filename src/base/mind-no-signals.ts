/** For a child process: a signal to its whole group (Ctrl+C, a service manager's stop) is for its parent, which ends it when it is done
 * with it, and by whose end it ends, too. */
export function mindNoSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}
