import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { formatKeyId } from '../../src/base/key-id.ts';
import { wrapperIn } from '../../src/server/wrapped-root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { buildProgram } from '../support/build-program.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { quickRsaPair } from '../support/quick-rsa-pairs.cjs';
import {
  copyInstance,
  keyOf,
  makeRotated,
  newKey,
  oldKey,
  openedWith,
  sealedUnder,
} from '../support/rotated-instance.ts';
import { customerHost, FileVault } from './file-vault.ts';
import { spreadSteps } from './spread-steps.ts';
import type { GivenKeys } from './wrapped-keys.ts';
import { keysFrom, moveRootKey } from './wrapped-keys.ts';

/** Of each kind. */
const runs = Math.max(4, Number(process.env['KUSTODY_CRASH_RUNS'] ?? 8));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'moving-root-key.cjs');
const directory = quickDirectory('kustody-root-key-vault-kills-');
const [vaultPath, made, inVault, anew] = ['vault', 'made', 'in-vault', 'anew'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
  string,
];
let start: readonly string[] = [];
let vault: FileVault;
let [first, second]: (VersionedKeyId | undefined)[] = [];
let before: Readonly<Record<string, Json>> = {};
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'moving-root-key.ts'), program);
  const pem = { format: 'pem', type: 'pkcs8' } as const;
  const pairs = [0, 1].map(() => quickRsaPair().privateKey.export(pem).toString());
  vault = new FileVault(vaultPath, pairs);
  [first, second] = [vault.addVersion(customerHost, 'root'), vault.addVersion(customerHost, 'root')];
  mkdirSync(made, { mode: 0o700 });
  await makeRotated(made, oldKey);
  before = await openedWith(made, { rootKey: keyOf(oldKey) });
  copyInstance(made, inVault);
  await moveRootKey(vault, inVault, { oldRootKey: oldKey, rootKeyVault: first });
  copyInstance(inVault, anew);
  await moveRootKey(vault, anew, { rootKeyVault: second, oldRootKeyVault: first });
});

function killedAt(base: string, step: number, given: GivenKeys) {
  const at = join(directory, `step-${step}`);
  copyInstance(base, at);
  const args = [...start, at, String(step), vaultPath, JSON.stringify(given)];
  const { signal, stdout, stderr } = spawnSync(process.execPath, args);
  if (signal === null) expect(stderr.toString()).toBe('');
  return { at, signal, stdout: stdout.toString() };
}

/** Chosen ones and all of the last: where the record of the vault goes, comes, or is another. */
function stepsOf(base: string, last: number, given: GivenKeys): ReadonlySet<number> {
  const { at, stdout } = killedAt(base, 0, given);
  rmSync(at, { recursive: true });
  const { length: steps } = JSON.parse(stdout) as string[];
  return new Set([
    ...spreadSteps(Math.max(2, steps - last), runs),
    ...Array.from({ length: Math.min(last, steps) }, (_, back) => steps - back),
  ]);
}

async function openedFrom(at: string, given: GivenKeys): Promise<unknown> {
  const { rootKey, oldRootKey } = await keysFrom(vault, at, given);
  return openedWith(at, { ...(rootKey && { rootKey }), ...(oldRootKey && { oldRootKey }) });
}
const refusal = (at: string, given: GivenKeys): Promise<string> =>
  openedFrom(at, given).then(
    () => 'opens',
    (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
  );

async function wrapperAt(at: string): Promise<string | undefined> {
  const store = SqliteStateStore.open(at);
  return wrapperIn(store).finally(() => store.close());
}

const needed = <T>(value: T | undefined): T => value ?? expect.unreachable();
const timeout = 240_000 + runs * 5000;

it(
  `a root key that goes into a vault, killed at a step, ${runs} of them and the last ones, opens with both, and goes on`,
  { timeout },
  async () => {
    const rootKeyVault = needed(first);
    const given = { oldRootKey: oldKey, rootKeyVault };
    const found = new Set<string>();
    for (const step of stepsOf(made, 4, given)) {
      const { at, signal } = killedAt(made, step, given);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      expect([step, await openedFrom(at, given)]).toEqual([step, before]);
      found.add([await refusal(at, { rootKey: oldKey }), await refusal(at, { rootKeyVault })].join());
      await moveRootKey(vault, at, given);
      expect([step, await openedFrom(at, { rootKeyVault })]).toEqual([step, before]);
      expect([step, await sealedUnder(at, keyOf(oldKey))]).toEqual([step, []]);
      rmSync(at, { recursive: true });
    }
    // Never does either open it alone.
    expect([...found]).not.toContain('opens,opens');
    expect([...found]).toEqual(expect.arrayContaining(['opens,RootKeyError', 'WrongRootKeyError,ResealingError']));
  },
);

it(
  'a root key that another version wraps, killed at any step, needs one version alone, which the state names',
  { timeout },
  async () => {
    const [rootKeyVault, oldRootKeyVault] = [needed(second), needed(first)];
    const given = { rootKeyVault, oldRootKeyVault };
    const found = new Set<string>();
    for (const step of stepsOf(inVault, 60, given)) {
      const { at, signal } = killedAt(inVault, step, given);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      const named = await wrapperAt(at);
      const by = named === formatKeyId(rootKeyVault) ? rootKeyVault : oldRootKeyVault;
      expect([step, formatKeyId(by)]).toEqual([step, named]);
      found.add(by === rootKeyVault ? 'new' : 'old');
      vault.leaveOnly(by);
      expect([step, await openedFrom(at, { rootKeyVault: by })]).toEqual([step, before]);
      vault.leaveOnly(rootKeyVault, oldRootKeyVault);
      await moveRootKey(vault, at, given);
      vault.leaveOnly(rootKeyVault);
      expect([step, await openedFrom(at, { rootKeyVault })]).toEqual([step, before]);
      vault.setEnabled(oldRootKeyVault, true);
      rmSync(at, { recursive: true });
    }
    expect([...found].sort()).toEqual(['new', 'old']);
  },
);

it(
  `a root key that leaves its vault, killed at a step, ${runs} of them and the last ones, opens with both, and leaves nothing there`,
  { timeout },
  async () => {
    const oldRootKeyVault = needed(second);
    const given = { rootKey: newKey, oldRootKeyVault };
    const found = new Set<string>();
    for (const step of stepsOf(anew, 12, given)) {
      const { at, signal } = killedAt(anew, step, given);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      const wrapped = await wrapperAt(at);
      const alone = await refusal(at, { rootKey: newKey });
      found.add(`${wrapped === undefined ? 'gone' : 'there'},${alone}`);
      // It goes when nothing is sealed under it any more, not before.
      if (alone !== 'opens') expect([step, wrapped]).toEqual([step, formatKeyId(oldRootKeyVault)]);
      if (wrapped === undefined) expect(await openedFrom(at, { rootKey: newKey })).toEqual(before);
      else {
        expect([step, await openedFrom(at, given)]).toEqual([step, before]);
        await moveRootKey(vault, at, given);
      }
      expect([step, await openedFrom(at, { rootKey: newKey })]).toEqual([step, before]);
      expect([step, await wrapperAt(at)]).toEqual([step, undefined]);
      expect(readFileSync(join(at, 'state.db'), 'latin1')).not.toContain(formatKeyId(oldRootKeyVault));
      rmSync(at, { recursive: true });
    }
    expect([...found]).toEqual(
      expect.arrayContaining(['there,WrongRootKeyError', 'there,ResealingError', 'there,opens', 'gone,opens']),
    );
  },
);
