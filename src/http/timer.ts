/** Calls `run` once after so many real milliseconds, unless the returned function is called first. Bounds of connections are
 * real time: a virtual clock must not cut them. A pending timer does not keep the process alive. */
export type StartTimer = (milliseconds: number, run: () => void) => () => void;

export const startSystemTimer: StartTimer = (milliseconds, run) => {
  const timer = setTimeout(run, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
};
