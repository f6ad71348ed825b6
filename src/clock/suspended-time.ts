/** So long a reading of the slow counter is good for: a sleep of the machine is seen at most so much waking time late. */
const rereadMs = 10;

/** Monotonic time that counts the machine's sleep, of two counters of the system. It is never ahead of real time, so processes of one machine
 * agree, however long one of them had no processor between its two readings.
 * @param awakeMs fine, fast, stands still while the machine sleeps
 * @param bootMs counts sleep, but is coarse and slow to read (11 µs for 10 ms of resolution on Linux). Their difference only grows: it
 * is the time that was slept, as far as the resolution shows it. */
export function countSuspend(awakeMs: () => number, bootMs: () => number): () => number {
  let sleptMs = -Infinity;
  let readAt = -Infinity;
  return () => {
    let awake = awakeMs();
    if (awake - readAt >= rereadMs) {
      const boot = bootMs();
      awake = awakeMs(); // after it: what passes between the two makes the difference less, and the greatest one counts
      sleptMs = Math.max(sleptMs, boot - awake);
      readAt = awake;
    }
    return awake + sleptMs;
  };
}
