import type { TestProjectInlineConfiguration } from 'vitest/config';
import { defineConfig } from 'vitest/config';
import { ProgressReporter } from './tests/support/progress-reporter.ts';

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    maxWorkers: 3, // on two processors: the suites with real servers wait for disks and timers half of their time
    reporters: ['default', ...(process.stderr.isTTY ? [] : [new ProgressReporter()])],
    projects: [
      // Their modules keep nothing that one could leave behind for the next, so each is read once a worker: a third of their time.
      project('units', 'src/**/*.test.ts', { isolate: false }),
      project('system', 'tests/**/*.test.ts', {}),
    ],
  },
});

function project(name: string, files: string, options: { readonly isolate?: boolean }): TestProjectInlineConfiguration {
  const common = { include: [files], setupFiles: ['tests/support/setup.ts'], testTimeout: 60_000, hookTimeout: 60_000 };
  return { test: { name, ...common, pool: 'forks', ...options } };
}
