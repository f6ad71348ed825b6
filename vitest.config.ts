import type { TestProjectInlineConfiguration } from 'vitest/config';
import { defineConfig } from 'vitest/config';
import { hangMs, waitMs } from './tests/support/hang.ts';
import { leftOutNow } from './tests/support/few-files.ts';
import { ProgressReporter } from './tests/support/progress-reporter.ts';

/** They change their process for good (how it starts others, where its clients go), or look at what it was before anything ran in it. */
const ofTheirOwn = [
  'tests/crash/{custody-takeover,large-custody}.test.ts',
  'tests/promises/{core-dumps,led-clients}.test.ts',
  'src/kql/parser/process/binder/corrections.test.ts',
];

const leftOut = leftOutNow();

/** A worker's heap starts small, and what its engine holds outside counts: V8 may find it full for good, and then collects garbage all the
 * time, in all threads (402 times in one file of 17 tests, half of its processor time). So it starts large. */
const execArgv = ['--initial-heap-size=1024'];

/** Whoever sits behind a proxy of a company has Node.js trust its root, for which each start of Node.js 20 reads all roots that there are: 0.11 s
 * of processor time, twice what else the start of an empty program takes. No test leaves this machine; those about such roots name theirs. */
delete process.env['NODE_EXTRA_CA_CERTS'];

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    maxWorkers: 3, // on two processors: the suites with real servers wait for disks and timers half of their time
    reporters: ['default', ...(process.stderr.isTTY ? [] : [new ProgressReporter()])],
    projects: [
      // Modules keep nothing that one file could leave behind for the next, so each is read once a worker: a third of the time.
      project('units', ['src/**/*.test.ts'], { isolate: false, exclude: [...ofTheirOwn, ...leftOut] }),
      project('system', ['tests/**/*.test.ts'], { isolate: false, exclude: [...ofTheirOwn, ...leftOut] }),
      project('own process', ofTheirOwn, { exclude: [...leftOut] }),
    ],
  },
});

function project(
  name: string,
  include: string[],
  options: { readonly isolate?: boolean; readonly exclude?: string[] },
): TestProjectInlineConfiguration {
  const timeouts = { testTimeout: hangMs, hookTimeout: hangMs };
  return {
    test: {
      name,
      include,
      setupFiles: ['tests/support/setup.ts'],
      ...timeouts,
      expect: { poll: { timeout: waitMs } },
      pool: 'forks',
      execArgv,
      ...options,
    },
  };
}
