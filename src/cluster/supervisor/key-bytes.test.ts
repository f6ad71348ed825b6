import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtScripts } from '../../../tests/support/built.ts';
import type { HarnessCall } from '../../../tests/support/cluster-keys-harness.ts';
import { bundleProcesses } from '../../../tests/support/process-bundle.ts';
import { until } from '../../../tests/support/until.ts';
import { countInMemory, keyForms } from '../../../tests/support/process-memory.ts';
import { ScriptedVaults } from '../../../tests/support/scripted-vault.ts';
import { newGuid } from '../../base/new-guid.ts';
import { formatKeyId } from '../../base/key-id.ts';
import { systemRandomBytes } from '../../base/random.ts';

const host = 'contoso.vault.azure.net';
const nothing = { raw: 0, hex: 0, base64: 0, base64url: 0, utf16: 0 };

let bundle: Awaited<ReturnType<typeof bundleProcesses>>;
let vaults: ScriptedVaults;
let main: ChildProcess;

beforeAll(async () => {
  bundle = await bundleProcesses({ harness: 'tests/support/cluster-keys-harness.ts' });
  vaults = await ScriptedVaults.listen();
  main = fork(bundle.script('harness'), [], { execArgv: [], serialization: 'advanced' });
});
afterAll(async () => {
  main.kill('SIGKILL');
  await vaults.close();
  bundle.remove();
});

async function call(message: HarnessCall): Promise<unknown> {
  main.send(message);
  const [answer] = (await once(main, 'message')) as [{ result?: unknown; error?: string }];
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.result;
}

describe.skipIf(process.platform !== 'linux')('key bytes in memory', () => {
  it('are never in the main process, only in the process of the cluster, and with that process they are gone', async () => {
    const identity = newGuid(systemRandomBytes);
    const clusterId = newGuid(systemRandomBytes);
    vaults.addVault(host, [identity]);
    const kid = vaults.addKey(host, 'k');
    await call({ call: 'start', start: { edge: vaults.edge, script: builtScripts.clusterProcess, identity } });
    await call({ call: 'create', clusterId, kid: formatKeyId(kid) });
    await call({ call: 'recheck', clusterId });
    const next = vaults.addKey(host, 'k');
    await call({ call: 'change', clusterId, kid: formatKeyId(next) });
    const other = vaults.addKey(host, 'other');
    await call({ call: 'change', clusterId, kid: formatKeyId(other) });
    const keys = [...new Set(vaults.plaintexts.map((bytes) => bytes.toString('hex')))];
    expect(keys).toHaveLength(2); // the first cluster key, and the one after the change of custody
    const { pid } = (await call({ call: 'pid', clusterId })) as { pid: number };
    const search = (process: number) => keys.map((key) => countInMemory(process, keyForms(Buffer.from(key, 'hex'))));
    // The search finds what is there.
    expect(search(pid)[1]?.raw).toBeGreaterThan(0);
    expect(search(main.pid ?? 0)).toEqual([nothing, nothing]);
    // What the vault could still open is gone with the process.
    vaults.keyVersion(other).enabled = false;
    expect(await call({ call: 'recheck', clusterId })).toHaveProperty('suspension');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(search(main.pid ?? 0)).toEqual([nothing, nothing]);
    // Nor does it outlive a main process that is killed.
    vaults.keyVersion(other).enabled = true;
    await call({ call: 'recheck', clusterId });
    const orphan = ((await call({ call: 'pid', clusterId })) as { pid: number }).pid;
    expect(search(orphan)[1]?.raw).toBeGreaterThan(0);
    main.kill('SIGKILL');
    await until(() => hasNoMemory(orphan));
  });
});

/** Ended, or ended and not yet collected by its new parent. */
function hasNoMemory(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1') === '';
  } catch {
    return true;
  }
}
