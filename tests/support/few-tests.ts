import { drawn } from './sample.ts';

/** What is known of tests and suites once a file is read. */
export interface ReadTask {
  readonly type: string;
  readonly name: string;
  mode: string;
  result?: { state: string } | undefined;
  readonly tasks?: readonly ReadTask[];
}

/** Of the tests of each suite one of `share` stays, rounded up, so that no suite is without any; the others are skipped.
 * @param suite a file as it was read, with all that is in it
 * @param lottery other tests stay with another */
export function leaveFew(suite: ReadTask, share: number, lottery: string): void {
  const tasks = suite.tasks ?? [];
  const own = tasks.filter(({ type, mode }) => type === 'test' && mode === 'run');
  const few = new Set(drawn(own, Math.ceil(own.length / share), lottery));
  for (const test of own) {
    if (few.has(test)) continue;
    test.mode = 'skip';
    test.result = { state: 'skip' }; // reporters were told of it before
  }
  for (const [at, task] of tasks.entries()) {
    if (task.tasks !== undefined && task.mode === 'run') leaveFew(task, share, `${lottery}\n${at} ${task.name}`);
  }
}
