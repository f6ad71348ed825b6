import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createDrillRuns } from './drill-runs.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-drill-runs-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('take nothing of a process that ends in the middle of a line, and say that it failed', async () => {
  const program = join(directory, 'drill.cjs');
  writeFileSync(
    program,
    `process.stdout.write('{"event":"began","way":"keyDeleted"}\\n{"event":"cell","way":"key');
     process.stderr.write('kustody: no room\\n');`,
  );
  const runs = createDrillRuns(program, { after: () => () => undefined });
  expect(runs.start(['keyDeleted'])).toBe(true);
  expect(runs.start(['keyDeleted'])).toBe(false);
  await expect.poll(() => runs.read().state).toBe('failed');
  expect(runs.read()).toMatchObject({
    run: 1,
    message: 'no room',
    rows: [{ way: 'keyDeleted', state: 'underWay', cells: {} }],
  });
});
