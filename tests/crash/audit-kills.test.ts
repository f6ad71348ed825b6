import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { verifyChain } from '../../src/audit/verify-chain.ts';
import { listAll } from '../../src/state/list-all.ts';
import { buildProgram } from '../support/build-program.ts';
import { recordedEvents } from '../support/audit-events.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { done, openAuditedState } from './audited-state.ts';

/** So many operations in all, in some runs that are killed. */
const operations = Number(process.env['KUSTODY_AUDITED'] ?? 600);
const runs = Math.max(1, Math.min(20, Math.floor(operations / 100)));
const writers = 32;

const directory = quickDirectory('kustody-audit-kills-');
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'audit-writer.cjs');
let start: readonly string[] = [];
afterAll(() => rmSync(directory, { recursive: true }));

it(
  `${operations} operations reconcile to exactly one event each, across ${runs} kills`,
  { timeout: 240_000 + operations * 10 },
  async () => {
    start = buildProgram(join(import.meta.dirname, 'audit-writer.ts'), program);
    execFileSync(process.execPath, [...start, directory, '0']); // the only one that ends, and leaves what was compiled to the others
    const acknowledged = new Map<string, string>();
    while (acknowledged.size < operations)
      for (const [id, kind] of await workUntilKilled(1 + randomInt(2 * Math.ceil(operations / runs))))
        acknowledged.set(id, kind);

    const state = await openAuditedState(directory);
    expect(await verifyChain(state)).toMatchObject({ findings: [] });
    const events = (await recordedEvents(state)).map(({ requestId }) => String(requestId));
    const once = new Set(events);
    expect(once.size).toBe(events.length);
    expect([...acknowledged.keys()].filter((id) => !once.has(id))).toEqual([]);
    // What was done has its event, and the other way round, whether it was acknowledged or not.
    const changes = new Set((await listAll(state, done, 'one/')).map(({ id }) => id.slice('one/'.length)));
    expect([...changes].filter((id) => !once.has(id))).toEqual([]);
    const changed = [...acknowledged].filter(([, kind]) => kind === 'change').map(([id]) => id);
    expect(changed.filter((id) => !changes.has(id))).toEqual([]);
    expect(events.length - acknowledged.size).toBeLessThanOrEqual((runs * 4 + 20) * writers);
    await state.close();
  },
);

/** @returns what was acknowledged: what kind of operation, by its request */
async function workUntilKilled(lines: number): Promise<ReadonlyMap<string, string>> {
  const child = spawn(process.execPath, [...start, directory, String(writers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const acknowledged = new Map<string, string>();
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    const [kind = '', id = ''] = line.split(' ');
    if (id.length === 36) acknowledged.set(id, kind);
    if ((seen += 1) === lines) child.kill('SIGKILL');
  }
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}
