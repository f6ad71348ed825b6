import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from './kustody-command.ts';
import { countProcessorTime } from './processor-seconds.ts';

const busyMs = 300;
const busy = `const until = process.cpuUsage().user + ${busyMs} * 1000; while (process.cpuUsage().user < until);`;

describe.skipIf(!existsSync('/proc/self/stat'))('the processor time of a test file', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is written with that of the programs that it has waited for', () => {
    using directory = temporaryDirectory();
    const report = join(directory.path, 'seconds');
    vi.stubEnv('KUSTODY_PROCESSOR_SECONDS', report);
    const ended = countProcessorTime('/here/some.test.ts');
    spawnSync(process.execPath, ['-e', busy]);
    ended();
    countProcessorTime('/here/other.test.ts')();
    const [some, other] = readFileSync(report, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly file: string; readonly seconds: number });
    expect(some?.file).toBe('/here/some.test.ts');
    expect(some?.seconds).toBeGreaterThanOrEqual(busyMs / 1000);
    expect(other?.file).toBe('/here/other.test.ts');
    expect(other?.seconds).toBeLessThan(busyMs / 1000);
  });

  it('is not read for nobody', () => {
    vi.stubEnv('KUSTODY_PROCESSOR_SECONDS', undefined);
    expect(countProcessorTime('/here/some.test.ts')).not.toThrow();
  });
});
