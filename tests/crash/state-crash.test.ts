import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { Table } from '../../src/state/state.ts';
import { buildProgram } from '../support/build-program.ts';

const runs = Number(process.env['KUSTODY_CRASH_RUNS'] ?? 5);
const writers = 8;
const values: Table<Json> = { name: 'values', parse: (value) => value };

const directory = mkdtempSync(join(tmpdir(), 'kustody-crash-'));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'state-writer.cjs');
afterAll(() => rmSync(directory, { recursive: true }));

it(
  `every acknowledged commit survives ${runs} kills, and none is there in part`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    buildProgram(join(import.meta.dirname, 'state-writer.ts'), program);
    let most = 0;
    for (let run = 0; run < runs; run += 1) {
      const acknowledged = await writeUntilKilled(1 + randomInt(400));
      const state = await SealedState.open({
        store: SqliteStateStore.open(directory),
        rootKey: new RootKey(Buffer.alloc(32, 1)),
        randomBytes: systemRandomBytes,
      });
      for (let writer = 0; writer < writers; writer += 1) {
        const last = acknowledged.get(String(writer)) ?? 0;
        const records = await state.list(values, { prefix: `${writer}/` });
        const stored = new Map(records.map(({ id, value }) => [id.split('/')[1], value]));
        const step = stored.get('a') ?? 0;
        expect(step).toBeGreaterThanOrEqual(last);
        if (last > 0) expect(step).toBeLessThanOrEqual(last + 1); // a writer has one commit under way
        expect([stored.get('b') ?? 0, stored.get('c') ?? 0]).toEqual([step, step]);
        expect(stored.has('x')).toBe(Math.floor(Number(step) / 5) % 2 === 1);
        most = Math.max(most, Number(step));
      }
      await state.close();
    }
    expect(most).toBeGreaterThan(runs);
  },
);

/** @returns the last step that each writer was told is durable */
async function writeUntilKilled(lines: number): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, [program, directory, String(writers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const acknowledged = new Map<string, number>();
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    // What was said before the kill counts, also when it is read after it.
    const [writer = '', step] = line.split(' ');
    if (line.includes(' ') && Number(step) > 0) acknowledged.set(writer, Number(step));
    if ((seen += 1) === lines) child.kill('SIGKILL');
  }
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}
