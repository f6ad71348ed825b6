import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentOf } from '../../src/cli/live-instance.ts';
import { readServiceError } from '../../src/cli/article/article-steps.ts';
import type { Azure } from '../../src/cli/article/azure.ts';
import { documentedCodes } from '../../src/cmk/documented-errors.ts';
import type { DocumentedCode } from '../../src/cmk/documented-errors.ts';
import { perform } from '../../src/cmk/changes.ts';
import type { CmkTarget } from '../../src/cmk/target.ts';
import type { FreshSettings } from '../support/cmk-fixture.ts';
import { group, location, startCmkFixture } from '../support/cmk-fixture.ts';
import { startKustody } from '../support/kustody-command.ts';
import { sample } from '../support/sample.ts';

interface Document {
  readonly expected: readonly {
    readonly code: DocumentedCode;
    readonly why: string;
    readonly mend: readonly { readonly az: string; readonly typescript: string; readonly powershell: string }[];
  }[];
  readonly notKnown: readonly { readonly code: DocumentedCode }[];
}

/** What is asked: as it is typed, and as the request says it. */
interface Asked {
  readonly cluster: string;
  readonly vault: string;
  readonly key: string;
  readonly keyVaultUri: string;
  readonly more?: readonly string[];
}

const uriOf = (vault: string): string => `https://${vault}.vault.azure.net/`;
const pace = { now: () => new Date(), sleep: () => Promise.resolve() };

describe('kustody doctor', () => {
  let fixture: Awaited<ReturnType<typeof startCmkFixture>>;
  let azure: Azure;
  let environment: Record<string, string>;
  let mender: ChildProcess;
  let mended = 0;
  /** Modules find the clients of this repository from there. */
  const modules = mkdtempSync(join(import.meta.dirname, '..', '..', 'node_modules', '.doctor-'));

  beforeAll(async () => {
    fixture = await startCmkFixture();
    ({ azure } = fixture);
    const { directory, server } = fixture;
    const variables = await environmentOf(
      { dataDirectory: directory, controlToken: server.controlToken, describe: server.environment },
      process.env,
    );
    environment = Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) =>
        value === undefined || value === '' ? [] : [[name, value]],
      ),
    );
  });
  beforeAll(() => {
    const file = join(modules, 'mender.mjs');
    const run = `import(file).then(() => process.send('done'), (error) => process.send(String(error.stack)))`;
    writeFileSync(file, `process.on('message', (file) => ${run});`);
    mender = fork(file, { execArgv: [], env: { ...process.env, ...environment } });
  });
  afterAll(async () => {
    mender.kill();
    rmSync(modules, { recursive: true, force: true });
    await fixture[Symbol.asyncDispose]();
  });

  const argumentsOf = ({ cluster, vault, key, more = [] }: Asked): readonly string[] => [
    ...['--resource-group', group, '--cluster', cluster, '--vault', vault, '--key', key],
    ...more,
  ];

  async function doctor(asked: Asked): Promise<Document & { readonly exit: number | null }> {
    const { code, stdout, stderr } = await startKustody(['doctor', ...argumentsOf(asked), '--json'], environment)
      .result;
    expect(stderr).toBe('');
    return { exit: code, ...(JSON.parse(stdout) as Document) };
  }

  /** Runs what doctor prints, as a user would: one program after the other, in one process, which loads the clients once. */
  async function mend({ expected: [first] }: Document): Promise<void> {
    for (const { typescript } of first?.mend ?? []) {
      const file = join(modules, `mend-${(mended += 1)}.mjs`);
      writeFileSync(file, typescript);
      mender.send(file);
      expect(await once(mender, 'message')).toEqual(['done', undefined]);
    }
  }

  /** What the service says when the key is set: a code, or `accepted`. */
  async function setKey({ cluster, key, keyVaultUri, more = [] }: Asked): Promise<string> {
    const keyVersion = more[more.indexOf('--key-version') + 1];
    const keyVaultProperties = {
      ...{ keyName: key, keyVaultUri },
      ...(more.includes('--key-version') && keyVersion !== undefined ? { keyVersion } : {}),
    };
    const isThere = await azure.kusto.clusters.get(group, cluster).then(
      () => true,
      () => false,
    );
    const asked = isThere
      ? azure.kusto.clusters.beginUpdateAndWait(group, cluster, { keyVaultProperties })
      : azure.kusto.clusters.beginCreateOrUpdateAndWait(group, cluster, {
          ...{ location, sku: { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 } },
          ...{ identity: { type: 'SystemAssigned' }, keyVaultProperties },
        });
    return asked.then(
      () => 'accepted',
      (error: unknown) => readServiceError(error).code,
    );
  }

  /** A cluster, a vault and a key of which nothing is missing but what a case takes away. */
  async function healthy(settings: FreshSettings = {}): Promise<CmkTarget> {
    const target = await fixture.fresh(settings);
    const { cluster, vault, keyName } = target;
    const change = { kind: 'assignIdentity', type: 'SystemAssigned', userIdentities: [] } as const;
    await perform(fixture.clients, cluster, change, pace);
    await azure.keysOf(uriOf(vault.name)).createRsaKey(keyName, { keySize: 2048 });
    await grant(target);
    return target;
  }

  async function grant(target: CmkTarget, vault = target.vault.name): Promise<void> {
    const { identity } = await azure.kusto.clusters.get(group, target.cluster.name);
    const principalId = identity?.principalId ?? '';
    const vaultId = `/subscriptions/${fixture.subscriptionId}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${vault}`;
    const { properties } = await azure.vaults.vaults.get(group, vault);
    const change = properties.enableRbacAuthorization
      ? ({ kind: 'grantRole', scope: vaultId, principalId } as const)
      : ({ kind: 'grantPolicy', vaultId, tenantId: azure.tenantId, principalId } as const);
    await perform(fixture.clients, target.cluster, change, pace);
  }

  const askedOf = ({ cluster, vault, keyName }: CmkTarget): Asked => ({
    ...{ cluster: cluster.name, vault: vault.name, key: keyName, keyVaultUri: uriOf(vault.name) },
  });

  /** For each documented error instances in that state. `ends`: what is left when what can be mended is. */
  const cases: readonly {
    readonly code: DocumentedCode;
    readonly state: string;
    readonly make: () => Promise<Asked>;
    /** Codes that show once the first is mended. */
    readonly then?: readonly DocumentedCode[];
    /** Not every mended state is usable at once: a new vault is another's to work with. */
    readonly ends?: 'elsewhere';
  }[] = [
    {
      code: 'CannotProvideKeyVaultPropertiesDuringCreation',
      state: 'there is no cluster yet',
      make: async () => ({ ...askedOf(await healthy()), cluster: 'doctornotyet' }),
      then: ['IdentityDoesNotHaveAccessToKeyVault'],
    },
    {
      code: 'KeyVaultPropertiesOnlyForSystemAssignedResources',
      state: 'the cluster has no identity',
      make: async () => {
        const target = await fixture.fresh();
        await azure.keysOf(uriOf(target.vault.name)).createRsaKey(target.keyName, { keySize: 2048 });
        return askedOf(target);
      },
      then: ['IdentityDoesNotHaveAccessToKeyVault'],
    },
    {
      code: 'InvalidKeyVaultProperties',
      state: 'the key is elliptic',
      make: async () => {
        const target = await healthy();
        await azure.keysOf(uriOf(target.vault.name)).createEcKey('elliptic');
        return { ...askedOf(target), key: 'elliptic' };
      },
    },
    {
      code: 'InvalidKeyVaultProperties',
      state: 'the address is that of a key',
      make: async () => {
        const target = await healthy();
        const address = `${uriOf(target.vault.name)}keys/${target.keyName}`;
        return { ...askedOf(target), vault: address, keyVaultUri: address };
      },
      ends: 'elsewhere',
    },
    {
      code: 'KeyVaultNotFound',
      state: 'there is no such vault',
      make: async () => {
        const vault = 'doctor-no-such-vault';
        return { ...askedOf(await healthy()), vault, keyVaultUri: uriOf(vault) };
      },
      ends: 'elsewhere',
    },
    {
      code: 'KeyVaultNotFound',
      state: 'the vault was deleted',
      make: async () => {
        const target = await healthy();
        await azure.vaults.vaults.delete(group, target.vault.name);
        return askedOf(target);
      },
    },
    {
      code: 'KeyVaultNotFound',
      state: 'the vault is in another region',
      make: async () => {
        const target = await healthy();
        const vault = 'doctor-far-away';
        await azure.vaults.vaults.createOrUpdate(group, vault, {
          location: 'eastus',
          properties: {
            tenantId: azure.tenantId,
            sku: { family: 'A', name: 'standard' },
            enableRbacAuthorization: false,
            accessPolicies: [],
          },
        });
        await grant(target, vault);
        return { ...askedOf(target), vault, keyVaultUri: uriOf(vault) };
      },
      ends: 'elsewhere',
    },
    {
      code: 'KeyNotFound',
      state: 'there is no such key',
      make: async () => ({ ...askedOf(await healthy()), key: 'never-made' }),
    },
    {
      code: 'KeyNotFound',
      state: 'the key was deleted',
      make: async () => {
        const target = await healthy();
        await azure.vaults.vaults.updateAccessPolicy(group, target.vault.name, 'add', {
          properties: {
            accessPolicies: [
              { tenantId: azure.tenantId, objectId: await azure.ownObjectId(), permissions: { keys: ['recover'] } },
            ],
          },
        });
        await (await azure.keysOf(uriOf(target.vault.name)).beginDeleteKey(target.keyName)).pollUntilDone();
        return askedOf(target);
      },
    },
    {
      code: 'KeyNotFound',
      state: 'the key has no such version',
      make: async () => ({ ...askedOf(await healthy()), more: ['--key-version', 'f'.repeat(32)] }),
      ends: 'elsewhere',
    },
    ...[false, true].map((roles) => ({
      code: 'IdentityDoesNotHaveAccessToKeyVault' as const,
      state: roles ? 'no role' : 'no access policy',
      make: async () => {
        const target = await fixture.fresh({ roles });
        const change = { kind: 'assignIdentity', type: 'SystemAssigned', userIdentities: [] } as const;
        await perform(fixture.clients, target.cluster, change, pace);
        await azure.keysOf(uriOf(target.vault.name)).createRsaKey(target.keyName, { keySize: 2048 });
        return askedOf(target);
      },
    })),
    ...[
      { state: 'the key is disabled', attributes: { enabled: false } },
      { state: 'the key is not valid yet', attributes: { notBefore: new Date('2036-01-01T00:00:00Z') } },
      { state: 'the key has expired', attributes: { expiresOn: new Date('2001-01-01T00:00:00Z') } },
      { state: 'the key is not for wrapping', attributes: { keyOps: ['sign'] } },
    ].map(({ state, attributes }) => ({
      code: 'IdentityDoesNotHaveAccessToKeyVault' as const,
      state,
      make: async () => {
        const target = await healthy();
        await azure.keysOf(uriOf(target.vault.name)).updateKeyProperties(target.keyName, attributes);
        return askedOf(target);
      },
    })),
    {
      code: 'KeyVaultNotPurgeProtected',
      state: 'purge protection is off',
      make: async () => askedOf(await healthy({ purgeProtection: false })),
    },
    {
      code: 'KeyVaultNotSoftDeleteEnabled',
      state: 'soft delete is off',
      make: async () => {
        const target = await healthy();
        const vault = 'doctor-unsafe';
        await azure.vaultsOf2018.vaults.createOrUpdate(group, vault, {
          location,
          properties: {
            tenantId: azure.tenantId,
            sku: { family: 'A', name: 'standard' },
            accessPolicies: [
              {
                tenantId: azure.tenantId,
                objectId: await azure.ownObjectId(),
                permissions: { keys: ['create', 'get'] },
              },
            ],
          },
        });
        await azure.keysOf(uriOf(vault)).createRsaKey(target.keyName, { keySize: 2048 });
        await grant(target, vault);
        return { ...askedOf(target), vault, keyVaultUri: uriOf(vault) };
      },
      then: ['KeyVaultNotPurgeProtected'],
    },
  ];

  it('has cases for all documented errors', () => {
    expect(new Set(cases.map(({ code }) => code))).toEqual(new Set(documentedCodes));
  });

  it('finds nothing where nothing is missing', async () => {
    const asked = askedOf(await healthy());
    expect(await doctor(asked)).toMatchObject({ exit: 0, expected: [], notKnown: [] });
    const { stdout } = await startKustody(['doctor', ...argumentsOf(asked)], environment).result;
    expect(stdout).toContain('None of the documented errors is expected.');
    expect(await setKey(asked)).toBe('accepted');
    expect(await doctor(asked)).toMatchObject({ exit: 0, expected: [] });
    await azure.kusto.clusters.beginStopAndWait(group, asked.cluster);
    const remedy = expect.stringMatching(/^az kusto cluster start --ids /) as string;
    expect(await doctor(asked)).toMatchObject({ exit: 0, besides: { remedy } });
  });

  it.each(sample(cases, 2))('$code: $state', async ({ code, make, then = [], ends }) => {
    const asked = await make();
    let found = await doctor(asked);
    expect([found.exit, found.expected[0]?.code]).toEqual([4, code]);
    expect(await setKey(asked)).toBe(code);
    await mend(found);
    if (ends === 'elsewhere') {
      await expectMended(asked, code, found);
      return;
    }
    for (const next of then) {
      found = await doctor(asked);
      expect([found.exit, found.expected[0]?.code]).toEqual([4, next]);
      expect(await setKey(asked)).toBe(next);
      await mend(found);
    }
    expect(await doctor(asked)).toMatchObject({ exit: 0, expected: [], notKnown: [] });
    expect(await setKey(asked)).toBe('accepted');
  });

  /** What was set or made in place of what was named no longer gives the error. */
  async function expectMended(asked: Asked, code: DocumentedCode, found: Document): Promise<void> {
    const commands = found.expected[0]?.mend.map(({ az }) => az).join('\n') ?? '';
    const made = /az keyvault create .*--name (\S+)/.exec(commands)?.[1];
    if (made === undefined) {
      const { keyVaultProperties } = await azure.kusto.clusters.get(group, asked.cluster);
      expect(keyVaultProperties).toMatchObject({ keyName: asked.key });
      return;
    }
    const again = await doctor({ ...asked, vault: made, keyVaultUri: uriOf(made) });
    expect(again.expected.map((one) => one.code)).not.toContain(code);
    expect(await setKey({ ...asked, vault: made, keyVaultUri: uriOf(made) })).not.toBe(code);
  }
});
