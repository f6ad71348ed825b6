import { defineConfig } from 'vitest/config';
import { ProgressReporter } from './tests/support/progress-reporter.ts';

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/support/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 3, // on two processors: the suites with real servers wait for disks and timers half of their time
    reporters: ['default', ...(process.stderr.isTTY ? [] : [new ProgressReporter()])],
  },
});
