import { writeSync } from 'node:fs';
import { setInterval } from 'node:timers';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

// Limits of tests are timers of the thread in which the tests run: while a loop or a function in native code holds that, none of them goes
// off. So another thread looks, and ends the process. Vitest then tells that a worker is gone, fails, and goes on with the other files.

const ofWatchdogs = 'kustody-watchdog';
const ticks = 20;

/** One for each process, begun with the first call.
 * @param limitMs so long the event loop may be held
 * @returns is told what is done from now on, for whoever reads why the process has ended */
export function watchdog(limitMs) {
  return (globalThis[Symbol.for(ofWatchdogs)] ??= begun(limitMs));
}

function begun(limitMs) {
  const turns = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(turns, 0, 1), limitMs / ticks / 2).unref();
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { name: ofWatchdogs, turns, limitMs },
    execArgv: [],
    env: {},
  });
  thread.unref();
  return (what) => thread.postMessage(what);
}

if (!isMainThread && workerData?.name === ofWatchdogs) {
  const { turns, limitMs } = workerData;
  let [seen, still, doing] = [0, 0, 'nothing'];
  parentPort.on('message', (what) => (doing = what));
  // Counted, not measured: while all of the machine stands still, nobody hangs.
  setInterval(() => {
    const now = Atomics.load(turns, 0);
    still = now === seen ? still + 1 : 0;
    seen = now;
    if (still < ticks) return;
    writeSync(2, `Ended, for the event loop was held for ${limitMs} ms by ${doing}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, limitMs / ticks);
}
