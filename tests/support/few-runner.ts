import { relative, sep } from 'node:path';
import type { RunnerTestFile } from 'vitest';
import { TestRunner } from 'vitest';
import { leaveFew } from './few-tests.ts';
import { shareOf } from './long-folders.ts';

/** With `KUSTODY_CASES=few`, which `npm test` sets: of what takes long some tests, other ones with each `KUSTODY_SEED`. */
export default class FewRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (process.env['KUSTODY_CASES'] !== 'few') return;
    for (const file of files) {
      const path = relative(process.cwd(), file.filepath).replaceAll(sep, '/');
      leaveFew(file, shareOf(path), `${process.env['KUSTODY_SEED'] ?? '0'}\n${path}`);
    }
  }
}
