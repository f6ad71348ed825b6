import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesFor } from '../../src/cli/article/names.ts';
import type { Azure } from '../../src/cli/article/azure.ts';
import { provokeDocumentedErrors } from '../../src/cli/article/documented-errors.ts';
import type { Step } from '../../src/cli/article/article-steps.ts';
import { apply, look } from '../../src/cmk/apply.ts';
import type { Progress } from '../../src/cmk/apply.ts';
import { perform } from '../../src/cmk/changes.ts';
import type { CmkClients } from '../../src/cmk/clients.ts';
import { diagnose, lookLive, readErrorText } from '../../src/cmk/diagnose.ts';
import { gather } from '../../src/cmk/gather.ts';
import { changesNothing } from '../../src/cmk/plan-step.ts';
import type { PlanOptions } from '../../src/cmk/plan-step.ts';
import type { PlanResult } from '../../src/cmk/plan.ts';
import { planRotation, rotate } from '../../src/cmk/rotate.ts';
import type { CmkTarget, GivenTarget } from '../../src/cmk/target.ts';
import { clusterIdOf, parseIdentity, parseVault } from '../../src/cmk/target.ts';
import { verify } from '../../src/cmk/verify.ts';
import { azureClientsOf } from '../support/azure-clients.ts';
import { group, location, parsed, startCmkFixture } from '../support/cmk-fixture.ts';
import type { FreshSettings } from '../support/cmk-fixture.ts';

const pace = { now: () => new Date(), sleep: () => Promise.resolve() };
const quiet: Progress = {
  run: async (_title, work) => {
    await work();
  },
};
const mayDoAll: PlanOptions = { createKey: true, keySizeBits: 2048, enablePurgeProtection: true };

describe('kustody cmk, through the official SDKs', () => {
  let fixture: Awaited<ReturnType<typeof startCmkFixture>>;
  let azure: Azure;
  let clients: CmkClients;

  beforeAll(async () => {
    fixture = await startCmkFixture();
    ({ azure, clients } = fixture);
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const subscription = (): string => fixture.subscriptionId;
  const fresh = (settings: FreshSettings = {}): Promise<CmkTarget> => fixture.fresh(settings);

  const resultOf = async (target: CmkTarget, options: PlanOptions): Promise<PlanResult> =>
    (await look(clients, target, options, pace)).plan.result;

  async function applyAll(target: CmkTarget, progress = quiet, options = mayDoAll): Promise<readonly string[]> {
    const { plan } = await look(clients, target, options, pace);
    return apply(clients, { target, options, agreed: plan }, pace, progress);
  }

  async function failedChecks(target: CmkTarget): Promise<readonly string[]> {
    const facts = await gather(clients, target);
    return verify({ target, facts, now: pace.now(), warnDays: 30 })
      .filter(({ ok }) => !ok)
      .map(({ id }) => id);
  }

  async function versions(target: CmkTarget): Promise<readonly { version: string; enabled: boolean }[]> {
    const found: { version: string; enabled: boolean }[] = [];
    const keys = azure.keysOf(`https://${target.vault.name}.vault.azure.net/`);
    for await (const { version, enabled } of keys.listPropertiesOfKeyVersions(target.keyName))
      found.push({ version: version ?? '', enabled: enabled === true });
    return found;
  }

  const clusterOf = (target: CmkTarget): ReturnType<Azure['kusto']['clusters']['get']> =>
    azure.kusto.clusters.get(group, target.cluster.name);

  it.each([{ roles: false }, { roles: true }])(
    'plans, applies, verifies, and then has nothing to do (roles: $roles)',
    async ({ roles }) => {
      const target = await fresh({ roles });
      expect(await resultOf(target, changesNothing)).toBe('inTheWay'); // the key is created only when asked for
      expect(await resultOf(target, mayDoAll)).toBe('somethingToDo');
      expect(await applyAll(target)).toEqual(['identity', 'key', 'permissions', 'clusterKey']);
      expect(await failedChecks(target)).toEqual([]);
      expect(await resultOf(target, changesNothing)).toBe('nothingToDo');
      const { etag, keyVaultProperties } = await clusterOf(target);
      expect(keyVaultProperties).toMatchObject({ keyName: 'cluster-key' });
      expect(await applyAll(target)).toEqual([]);
      expect((await clusterOf(target)).etag).toBe(etag);
      expect(await versions(target)).toHaveLength(1);
    },
  );

  it('gives the cluster a user-assigned identity beside those it has', async () => {
    const target = await fresh();
    await applyAll(target);
    const id = `/subscriptions/${subscription()}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cmk-identity`;
    const asUser: CmkTarget = { ...target, identity: parsed(parseIdentity(id)) };
    expect(await resultOf(asUser, mayDoAll)).toBe('inTheWay');
    await azure.resources.resources.beginCreateOrUpdateByIdAndWait(id, '2023-01-31', { location });
    expect(await applyAll(asUser)).toEqual(['identity', 'permissions', 'clusterKey']);
    expect(await failedChecks(asUser)).toEqual([]);
    const { identity, keyVaultProperties } = await clusterOf(target);
    expect(identity?.type).toBe('SystemAssigned, UserAssigned');
    expect(keyVaultProperties?.userIdentity).toBe(id);
    expect(await failedChecks(target)).toEqual(['clusterKey']);
    expect(await applyAll(target)).toEqual(['clusterKey']); // and back
  });

  it('takes the permissions of nobody away', async () => {
    const target = await fresh();
    const before = (await azure.vaults.vaults.get(group, target.vault.name)).properties.accessPolicies ?? [];
    await applyAll(target);
    const after = (await azure.vaults.vaults.get(group, target.vault.name)).properties.accessPolicies ?? [];
    expect(after).toHaveLength(before.length + 1);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it('turns purge protection on only when asked to', async () => {
    const target = await fresh({ purgeProtection: false });
    expect(await resultOf(target, { ...mayDoAll, enablePurgeProtection: false })).toBe('inTheWay');
    expect(await applyAll(target)).toEqual(['identity', 'purgeProtection', 'key', 'permissions', 'clusterKey']);
    expect(await failedChecks(target)).toEqual([]);
  });

  it('ends well when it was interrupted after any step', async () => {
    for (const roles of [false, true]) {
      const target = await fresh({ roles, purgeProtection: false });
      const seen: string[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        // Every turn does one more change, which the service has then carried out, and is never told so.
        const interrupting: Progress = {
          run: async (title, work) => {
            await work();
            seen.push(title);
            throw new Error('interrupted');
          },
        };
        const outcome = await applyAll(target, interrupting).catch((error: unknown) => error);
        if (Array.isArray(outcome)) break;
        expect(outcome).toMatchObject({ message: 'interrupted' });
      }
      expect(seen).toHaveLength(5);
      expect(new Set(seen).size).toBe(5);
      expect(await failedChecks(target)).toEqual([]);
      expect(await versions(target)).toHaveLength(1);
    }
  });

  it('ends well when it was killed after a change and before it could read it back', async () => {
    for (let changes = 1; changes <= 4; changes += 1) {
      const target = await fresh({ roles: changes % 2 === 0 });
      for (let done = 0; done < changes; done += 1) {
        const { plan } = await look(clients, target, mayDoAll, pace);
        const change = plan.steps.find(({ state }) => state === 'toDo')?.change;
        if (change === undefined) throw new Error('there are as many changes as this');
        await perform(clients, target.cluster, change, pace);
        if (change.kind !== 'createKey') await perform(clients, target.cluster, change, pace); // and once more
      }
      expect(await applyAll(target)).toHaveLength(4 - changes);
      expect(await failedChecks(target)).toEqual([]);
      expect(await versions(target)).toHaveLength(1);
    }
  });

  it('waits for an operation that an interrupted run has begun', async () => {
    const target = await fresh();
    await applyAll(target);
    const { version = '' } = (await versions(target))[0] ?? {};
    await fixture.server.controls.faults.add({ kind: 'operations', takesSeconds: 60 });
    const pinned = { ...target, keyVersion: version };
    await azure.kusto.clusters.beginUpdate(group, target.cluster.name, {
      keyVaultProperties: {
        keyName: target.keyName,
        keyVaultUri: `https://${target.vault.name}.vault.azure.net/`,
        keyVersion: version,
      },
    });
    await fixture.server.controls.faults.clear();
    const patient = {
      now: pace.now,
      sleep: async () => {
        await fixture.server.controls.clocks.virtual?.advance(30_000);
      },
    };
    const { plan } = await look(clients, pinned, mayDoAll, pace);
    expect(plan.steps[0]).toMatchObject({ id: 'cluster', state: 'toDo' });
    expect(await apply(clients, { target: pinned, options: mayDoAll, agreed: plan }, patient, quiet)).toEqual([
      'cluster',
    ]);
    expect(await failedChecks(pinned)).toEqual([]);
  });

  it('uses a vault of another subscription, named by its resource id', async () => {
    const target = await fresh();
    const other = azureClientsOf(fixture, fixture.environment.secondSubscriptionId);
    await other.resources.resourceGroups.createOrUpdate('elsewhere', { location });
    const { id = '' } = await other.vaults.vaults.createOrUpdate('elsewhere', 'cmk-elsewhere', {
      location,
      properties: {
        tenantId: azure.tenantId,
        sku: { family: 'A', name: 'standard' },
        enableRbacAuthorization: false,
        enablePurgeProtection: true,
        accessPolicies: [
          { tenantId: azure.tenantId, objectId: await azure.ownObjectId(), permissions: { keys: ['create', 'get'] } },
        ],
      },
    });
    const byName = await look(clients, { ...target, vault: parsed(parseVault('cmk-elsewhere')) }, mayDoAll, pace);
    expect(byName.plan.steps[2]).toMatchObject({ id: 'vault', state: 'inTheWay', found: 'no such vault' });
    const byId = { ...target, vault: parsed(parseVault(id)) };
    expect(await applyAll(byId)).toEqual(['identity', 'key', 'permissions', 'clusterKey']);
    expect(await failedChecks(byId)).toEqual([]);
  });

  it('says what is in the way, as it is found', async () => {
    const target = await fresh();
    const blocked = async (): Promise<readonly unknown[]> => {
      const { plan } = await look(clients, target, mayDoAll, pace);
      return plan.steps.filter(({ state }) => state === 'inTheWay').map(({ id, found }) => [id, found]);
    };
    const keys = azure.keysOf(`https://${target.vault.name}.vault.azure.net/`);
    await keys.createRsaKey(target.keyName, { keySize: 2048, enabled: false });
    expect(await blocked()).toEqual([['key', expect.stringMatching(/^RSA 2048, version [0-9a-f]{32}$/)]]);
    await (await keys.beginDeleteKey(target.keyName, { intervalInMs: 10 })).pollUntilDone();
    expect(await blocked()).toEqual([['key', 'soft-deleted']]);
    await azure.kusto.clusters.beginStopAndWait(group, target.cluster.name);
    expect(await blocked()).toEqual([
      ['cluster', 'Stopped, provisioningState Succeeded, West US'],
      ['key', 'soft-deleted'],
    ]);
    await azure.vaults.vaults.delete(group, target.vault.name);
    expect((await blocked()).at(-1)).toEqual(['vault', 'soft-deleted']);
  });

  it('changes nothing that was not agreed to', async () => {
    const target = await fresh();
    const { plan } = await look(clients, target, mayDoAll, pace);
    const agreed = { ...plan, steps: plan.steps.filter(({ id }) => id === 'identity') };
    await expect(apply(clients, { target, options: mayDoAll, agreed }, pace, quiet)).rejects.toThrow(/Plan again/);
    expect((await clusterOf(target)).keyVaultProperties ?? null).toBeNull();
  });

  describe('rotation', () => {
    const given = ({ cluster }: CmkTarget): GivenTarget => ({ cluster });
    const agree = (): Promise<boolean> => Promise.resolve(true);
    const keep = (): Promise<boolean> => Promise.resolve(false);

    it('of a cluster that names a version: makes one, updates, and disables the old one only then', async () => {
      const target = await fresh();
      await applyAll(target);
      const first = (await versions(target))[0]?.version ?? '';
      await applyAll({ ...target, keyVersion: first });

      const plan = await planRotation(clients, given(target), undefined, pace.now());
      expect(plan).toMatchObject({ from: first, pinned: true });
      expect(plan.to).toBeUndefined();
      const done = await rotate(clients, plan, keep, pace, quiet);
      expect(done).toMatchObject({ from: first, confirmed: true, oldDisabled: false });
      expect((await clusterOf(target)).keyVaultProperties?.keyVersion).toBe(done.to);
      expect(await failedChecks({ ...target, keyVersion: done.to })).toEqual([]);
      expect((await versions(target)).every(({ enabled }) => enabled)).toBe(true);

      const back = await planRotation(clients, given(target), first, pace.now());
      expect(await rotate(clients, back, agree, pace, quiet)).toMatchObject({ to: first, oldDisabled: true });
      expect(await versions(target)).toContainEqual({ version: done.to, enabled: false });
      expect((await clusterOf(target)).state).toBe('Running');
      await expect(planRotation(clients, given(target), done.to, pace.now())).rejects.toThrow(/disabled/);
      await expect(planRotation(clients, given(target), first, pace.now())).rejects.toThrow(/uses version/);
    });

    it('takes up a version that an interrupted rotation has made', async () => {
      const target = await fresh();
      await applyAll(target);
      const first = (await versions(target))[0]?.version ?? '';
      await applyAll({ ...target, keyVersion: first });
      const plan = await planRotation(clients, given(target), undefined, pace.now());
      const interrupting: Progress = {
        run: async (_title, work) => {
          await work();
          throw new Error('interrupted');
        },
      };
      await expect(rotate(clients, plan, keep, pace, interrupting)).rejects.toThrow('interrupted');
      const again = await planRotation(clients, given(target), undefined, pace.now());
      expect(again.warnings[0]).toMatch(/newer version already/);
      await rotate(clients, again, keep, pace, quiet);
      expect(await versions(target)).toHaveLength(2);
      expect(await applyAll(target)).toEqual(['clusterKey']); // and on to whatever is the newest
      expect((await clusterOf(target)).keyVaultProperties?.keyVersion ?? '').toBe('');
    });

    it('of a cluster that follows the newest: makes a version and disables none', async () => {
      const target = await fresh();
      await applyAll(target);
      const plan = await planRotation(clients, given(target), undefined, pace.now());
      const done = await rotate(clients, plan, agree, pace, quiet);
      expect(done).toMatchObject({ confirmed: false, oldDisabled: false });
      expect((await versions(target)).filter(({ enabled }) => enabled)).toHaveLength(2);
      expect(await failedChecks(target)).toEqual([]);
      await expect(planRotation(clients, given(target), done.to, pace.now())).rejects.toThrow(/follows the newest/);
    });

    it('of a cluster without a key is refused', async () => {
      const target = await fresh();
      await expect(planRotation(clients, given(target), undefined, pace.now())).rejects.toThrow(/use apply/);
    });
  });

  it('verify says which permission, key or version is missing', async () => {
    const target = await fresh();
    await applyAll(target);
    const keys = azure.keysOf(`https://${target.vault.name}.vault.azure.net/`);
    const first = (await versions(target))[0]?.version ?? '';
    const soon = new Date(Date.now() + 10 * 86_400_000);
    await keys.updateKeyProperties(target.keyName, first, { expiresOn: soon });
    expect(await failedChecks(target)).toEqual(['expiry']);
    await azure.vaults.vaults.updateAccessPolicy(group, target.vault.name, 'remove', {
      properties: {
        accessPolicies: [
          {
            tenantId: azure.tenantId,
            objectId: (await clusterOf(target)).identity?.principalId ?? '',
            permissions: { keys: ['unwrapKey'] },
          },
        ],
      },
    });
    expect(await failedChecks(target)).toEqual(['cluster', 'permissions', 'expiry']);
    await keys.updateKeyProperties(target.keyName, first, { enabled: false });
    expect(await failedChecks(target)).toEqual(['cluster', 'key', 'permissions', 'expiry']);
  });

  it(
    'diagnoses each of the eight documented errors, provoked, by code and by message',
    { timeout: 240_000 },
    async () => {
      const names = namesFor('diagnosed');
      const target = await fresh();
      await applyAll({ ...target, keyName: names.key });
      const seen = new Map<string, string>();
      const step: Step = async (_title, _why, work) => {
        const { value } = await work();
        return value;
      };
      const vaultUri = `https://${target.vault.name}.vault.azure.net/`;
      const records = await provokeDocumentedErrors(
        azure,
        { ...names, group, cluster: target.cluster.name },
        step,
        vaultUri,
      );
      for (const { foundCode, foundMessage } of records) seen.set(foundCode, foundMessage);
      expect(seen.size).toBe(8);

      /** Where each was provoked, if not on the cluster that has a key. */
      const clusters: Readonly<Record<string, string>> = {
        CannotProvideKeyVaultPropertiesDuringCreation: `${target.cluster.name}x`,
        KeyVaultPropertiesOnlyForSystemAssignedResources: names.bareCluster,
      };
      const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
      try {
        for (const [code, message] of seen) {
          const file = join(directory, `${code}.json`);
          writeFileSync(file, JSON.stringify({ error: { code, message } }));
          const byCode = readErrorText(readFileSync(file, 'utf8'));
          expect(byCode.documented).toBe(code);
          expect(readErrorText(`(Failed) ${message}`).documented).toBe(code);
          const cluster = parsed(clusterIdOf(subscription(), group, clusters[code] ?? target.cluster.name));
          const live = await lookLive(clients, { cluster }, byCode, pace.now());
          const [finding, ...others] = diagnose(byCode.documented, live, {});
          expect(others).toEqual([]);
          // What a refused request left out is the one thing that nobody can see afterwards.
          const expected = code === 'InvalidKeyVaultProperties' ? 'unknown' : 'yes';
          expect([code, finding?.holds?.now]).toEqual([code, expected]);
          expect(finding?.run.join('\n')).not.toMatch(/\b(CLUSTER_ID|PRINCIPAL_ID)\b/);
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
