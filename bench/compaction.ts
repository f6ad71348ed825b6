import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { SqliteStateStore, stateFileName } from '../src/state/sqlite/sqlite-state-store.ts';

// How long a compaction of a large state holds up whoever else works in the process. Prints one line of JSON.
// Environment: KUSTODY_STATE_MIB, 420 by default.

const mebibytes = Number(process.env['KUSTODY_STATE_MIB'] ?? 420);
const directory = mkdtempSync(join(tmpdir(), 'kustody-compaction-'));
const store = SqliteStateStore.open(directory);
const value = Buffer.alloc(900, 1);
const perCommit = 1_000;
for (let id = 0; id * 1_000 < mebibytes * 1024 * 1024; id += perCommit) {
  const ids = Array.from({ length: perCommit }, (_, n) => String(id + n).padStart(9, '0'));
  await store.commit({ write: ids.map((one) => ({ table: 't', id: one, expect: null, put: { version: 1, value } })) });
}
for (let id = 0; id < 50_000; id += 1_000) {
  const ids = Array.from({ length: 500 }, (_, n) => String(id + 2 * n).padStart(9, '0'));
  await store.commit({ write: ids.map((one) => ({ table: 't', id: one, expect: 1, put: null })) });
}
const stateMiB = Math.round(statSync(join(directory, stateFileName)).size / 1024 ** 2);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const begun = performance.now();
await store.compact();
const seconds = (performance.now() - begun) / 1000;
delay.disable();
const ms = (nanoseconds: number): number => Math.round(nanoseconds / 1e5) / 10;
console.log(
  JSON.stringify({
    stateMiB,
    seconds,
    p50Ms: ms(delay.percentile(50)),
    p99Ms: ms(delay.percentile(99)),
    maxMs: ms(delay.max),
  }),
);
await store.close();
rmSync(directory, { recursive: true });
