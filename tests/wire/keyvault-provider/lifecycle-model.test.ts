import fc from 'fast-check';
import inject from 'light-my-request';
import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditedCommit } from '../../../src/audit/audit-log.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import type { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import { silentLog } from '../../../src/http/logging.ts';
import type { State } from '../../../src/state/state.ts';
import { createVaultPlane } from '../../../src/vault/plane/plane.ts';
import type { VaultPlane } from '../../../src/vault/plane/plane.ts';
import type { RsaKeyPool } from '../../../src/vault/rsa/rsa-keys.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { RsaThreads } from '../../../src/vault/rsa/rsa-threads.ts';
import { builtScripts } from '../../support/built.ts';

// Vaults and keys live and die at random, by every way that the resource manager and the data plane have, against a model that is a few
// maps: what is protected is there until its retention is over, with the bytes that it had.

const operations = Number(process.env['KUSTODY_LIFECYCLES'] ?? 600);
const perWorld = 40;
const dayMs = 86_400_000;
const noRsaKeys: RsaKeyPool = {
  take: () => Promise.reject(new Error('Only keys on curves are made here.')),
  fill: () => Promise.resolve(),
  close: () => undefined,
};

/** Commits what is done without its events, which other tests reconcile and which are half of the time here. */
class WithoutEvents extends AuditLog {
  readonly #commits: Pick<State, 'commit'>;

  constructor(state: State, clock: VirtualClock) {
    super(state, clock);
    this.#commits = state;
  }

  override commit({ expect: expected = [], write = [] }: AuditedCommit): Promise<void> {
    return expected.length + write.length === 0 ? Promise.resolve() : this.#commits.commit({ expect: expected, write });
  }

  override defer(): boolean {
    return true;
  }
}

let arm: ArmFixture;
let plane: VaultPlane;

beforeAll(async () => {
  arm = await startArm(
    () => [],
    (vaultId) => plane.purgeVaultContents(vaultId),
    undefined,
    (state, time) => new WithoutEvents(state, time),
  );
  const { state, clock, vaults, tenantId, owner, auditLog: audit } = arm;
  plane = createVaultPlane({
    ...{ state, clock, randomBytes: systemRandomBytes, log: silentLog, keyPool: noRsaKeys, directory: vaults },
    rsaThreads: new RsaThreads(builtScripts.rsaThread),
    audit,
    verifyToken: () => Promise.resolve({ outcome: 'valid', caller: { ...owner, tenantId } }),
    allowedByRole: () => Promise.resolve({ allowed: false }),
  });
  await plane.startRetention();
  await arm.retention.start();
});
afterAll(async () => {
  await plane.close();
  await arm[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask(
  handle: RequestListener,
  host: string,
  method: string,
  url: string,
  payload?: object,
): Promise<Answer> {
  const answer = await inject(handle, {
    ...{ method: method as 'GET', url, headers: { host, authorization: `Bearer ${arm.owner.objectId}` } },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, body: answer.payload.startsWith('{') ? answer.json() : undefined };
}

const manage = (method: string, path: string, body?: object): Promise<Answer> =>
  ask(
    arm.plane.handle,
    'management.azure.com',
    method,
    `/subscriptions/${arm.subscriptionId}${path}?api-version=${path.startsWith('/resourceGroups') && !path.includes('/providers/') ? '2022-09-01' : '2023-07-01'}`,
    body,
  );
const onVault = (vault: string, method: string, path: string, body?: object): Promise<Answer> =>
  ask(plane.plane.handle, `${vault}.vault.azure.net`, method, `${path}?api-version=7.5`, body);

interface ModelKey {
  /** The `x` of each version, oldest first. */
  readonly versions: string[];
  purgeAt?: number;
}

interface ModelVault {
  protection: boolean;
  readonly days: number;
  readonly group: string;
  readonly keys: Map<string, ModelKey>;
  purgeAt?: number;
}

interface World {
  readonly vaults: Map<string, ModelVault>;
  readonly groups: Set<string>;
}

const ok = ({ status }: Answer): boolean => status >= 200 && status < 300;
const isOver = (at: number | undefined): boolean => at !== undefined && at <= arm.clock.now();
const vaultPath = (group: string, vault: string): string =>
  `/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${vault}`;
const deletedPath = (vault: string, verb = ''): string =>
  `/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/${vault}${verb}`;

function vaultBody(vault: Pick<ModelVault, 'protection' | 'days'>, createMode?: string): object {
  const { tenantId, owner } = arm;
  const properties = {
    ...{ tenantId, sku: { family: 'A', name: 'standard' }, softDeleteRetentionInDays: vault.days },
    accessPolicies: [{ tenantId, objectId: owner.objectId, permissions: { keys: ['all', 'purge'] } }],
    ...(vault.protection ? { enablePurgeProtection: true } : {}),
    ...(createMode === undefined ? {} : { createMode }),
  };
  return { location: 'eastus', properties };
}

/** What the model and the planes both have done; a difference is thrown. */
type Step = (world: World) => Promise<void>;
const agree = (what: string, answer: Answer, expected: boolean): void => {
  expect({ what, done: ok(answer), answer: ok(answer) === expected ? undefined : answer }).toEqual({
    what,
    done: expected,
    answer: undefined,
  });
};

const live = (world: World, name: string): ModelVault | undefined => {
  const vault = world.vaults.get(name);
  return vault?.purgeAt === undefined ? vault : undefined;
};

function sweep(world: World): void {
  for (const [name, vault] of world.vaults) {
    if (isOver(vault.purgeAt)) world.vaults.delete(name);
    else for (const [key, { purgeAt }] of vault.keys) if (isOver(purgeAt)) vault.keys.delete(key);
  }
}

const steps = {
  createVault:
    (name: string, group: string, protection: boolean, days: number): Step =>
    async (world) => {
      if (!world.groups.has(group)) {
        await manage('PUT', `/resourceGroups/${group}`, { location: 'eastus' });
        world.groups.add(group);
      }
      const vault: ModelVault = { protection, days, group, keys: new Map() };
      const answer = await manage('PUT', vaultPath(group, name), vaultBody(vault));
      if (world.vaults.has(name)) {
        // Of one that is there this is a change; whether it is taken is another test's matter, but it destroys nothing.
        const known = live(world, name);
        if (known === undefined || known.group !== group) agree('create again', answer, false);
        else if (ok(answer) && protection) known.protection = true;
        return;
      }
      agree('create vault', answer, true);
      world.vaults.set(name, vault);
    },
  unprotect:
    (name: string): Step =>
    async (world) => {
      const vault = live(world, name);
      if (vault === undefined) return;
      const answer = await manage('PATCH', vaultPath(vault.group, name), {
        properties: { enablePurgeProtection: false },
      });
      if (vault.protection) agree('take protection away', answer, false);
    },
  deleteVault:
    (name: string): Step =>
    async (world) => {
      const vault = live(world, name);
      if (vault === undefined) return;
      agree('delete vault', await manage('DELETE', vaultPath(vault.group, name)), true);
      vault.purgeAt = arm.clock.now() + vault.days * dayMs;
    },
  deleteGroup:
    (group: string): Step =>
    async (world) => {
      if (!world.groups.has(group)) return;
      agree('delete group', await manage('DELETE', `/resourceGroups/${group}`), true);
      for (let minutes = 0; (await manage('GET', `/resourceGroups/${group}`)).status !== 404; minutes += 1) {
        expect(minutes).toBeLessThan(60);
        await arm.clock.advance(60_000);
      }
      world.groups.delete(group);
      for (const vault of world.vaults.values()) {
        if (vault.group === group && vault.purgeAt === undefined) vault.purgeAt = Infinity;
      }
      for (const [name, vault] of world.vaults) {
        if (vault.purgeAt === Infinity) vault.purgeAt = await purgeDate(name);
      }
    },
  recoverVault:
    (name: string): Step =>
    async (world) => {
      const vault = world.vaults.get(name);
      if (vault?.purgeAt === undefined || !world.groups.has(vault.group)) return;
      const answer = await manage('PUT', vaultPath(vault.group, name), vaultBody(vault, 'recover'));
      agree('recover vault', answer, true);
      delete vault.purgeAt;
    },
  purgeVault:
    (name: string): Step =>
    async (world) => {
      const vault = world.vaults.get(name);
      const answer = await manage('POST', deletedPath(name, '/purge'));
      const mayGo = vault?.purgeAt !== undefined && !vault.protection;
      agree('purge vault', answer, mayGo);
      if (mayGo) world.vaults.delete(name);
    },
  createKey:
    (name: string, key: string): Step =>
    async (world) => {
      const vault = live(world, name);
      if (vault === undefined) return;
      const known = vault.keys.get(key);
      const answer = await onVault(name, 'POST', `/keys/${key}/create`, { kty: 'EC', crv: 'P-256' });
      agree('create key', answer, known?.purgeAt === undefined);
      if (!ok(answer)) return;
      const { x } = (answer.body as { key: { x: string } }).key;
      if (known === undefined) vault.keys.set(key, { versions: [x] });
      else known.versions.push(x);
    },
  deleteKey:
    (name: string, key: string): Step =>
    async (world) => {
      const vault = live(world, name);
      if (vault === undefined) return;
      const known = vault.keys.get(key);
      const isLive = known !== undefined && known.purgeAt === undefined;
      agree('delete key', await onVault(name, 'DELETE', `/keys/${key}`), isLive);
      if (isLive) known.purgeAt = Math.floor(arm.clock.now() / 1000) * 1000 + vault.days * dayMs;
    },
  recoverKey:
    (name: string, key: string): Step =>
    async (world) => {
      const known = live(world, name)?.keys.get(key);
      if (live(world, name) === undefined) return;
      agree('recover key', await onVault(name, 'POST', `/deletedkeys/${key}/recover`), known?.purgeAt !== undefined);
      delete known?.purgeAt;
    },
  purgeKey:
    (name: string, key: string): Step =>
    async (world) => {
      const vault = live(world, name);
      if (vault === undefined) return;
      const mayGo = vault.keys.get(key)?.purgeAt !== undefined && !vault.protection;
      agree('purge key', await onVault(name, 'DELETE', `/deletedkeys/${key}`), mayGo);
      if (mayGo) vault.keys.delete(key);
    },
  wait:
    (days: number): Step =>
    async (world) => {
      await arm.clock.advance(days * dayMs);
      sweep(world);
    },
};

async function purgeDate(name: string): Promise<number> {
  const { status, body } = await manage('GET', deletedPath(name));
  expect(status).toBe(200);
  return Date.parse((body as { properties: { scheduledPurgeDate: string } }).properties.scheduledPurgeDate);
}

/** Everything that the model has is there, with the bytes that it had. */
async function checkWorld(world: World): Promise<void> {
  for (const [name, vault] of world.vaults) {
    if (vault.purgeAt !== undefined) {
      expect((await manage('GET', deletedPath(name))).status).toBe(200);
      continue;
    }
    for (const [key, { versions, purgeAt }] of vault.keys) {
      const answer = await onVault(name, 'GET', `/${purgeAt === undefined ? 'keys' : 'deletedkeys'}/${key}`);
      expect([answer.status, (answer.body as { key: { x: string } }).key.x]).toEqual([200, versions.at(-1)]);
    }
  }
}

/** Gets back what can be got back, signs with every key, and leaves nothing behind. */
async function endWorld(world: World): Promise<void> {
  for (const [name, vault] of world.vaults) {
    if (!world.groups.has(vault.group)) await manage('PUT', `/resourceGroups/${vault.group}`, { location: 'eastus' });
    world.groups.add(vault.group);
    await steps.recoverVault(name)(world);
    for (const [key, { purgeAt, versions }] of vault.keys) {
      if (purgeAt !== undefined) await steps.recoverKey(name, key)(world);
      const { body } = await onVault(name, 'GET', `/keys/${key}/versions`);
      expect((body as { value: unknown[] }).value.length).toBe(versions.length);
      const signed = await onVault(name, 'POST', `/keys/${key}//sign`, { alg: 'ES256', value: 'A'.repeat(43) });
      expect(signed.status).toBe(200);
    }
    await steps.deleteVault(name)(world);
  }
  await arm.clock.advance(91 * dayMs);
  sweep(world);
  expect(world.vaults.size).toBe(0);
  for (const name of vaultNames) expect((await manage('GET', deletedPath(name))).status).toBe(404);
}

const vaultNames = ['model-one', 'model-two'];
const [vaultName, keyName, group] = [
  fc.constantFrom(...vaultNames),
  fc.constantFrom('k', 'l'),
  fc.constantFrom('group-a', 'group-b'),
];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(vaultName, group, fc.boolean(), fc.constantFrom(7, 30, 90)).map((a) => steps.createVault(...a)),
  },
  { weight: 1, arbitrary: vaultName.map(steps.unprotect) },
  { weight: 2, arbitrary: vaultName.map(steps.deleteVault) },
  { weight: 1, arbitrary: group.map(steps.deleteGroup) },
  { weight: 3, arbitrary: vaultName.map(steps.recoverVault) },
  { weight: 2, arbitrary: vaultName.map(steps.purgeVault) },
  { weight: 4, arbitrary: fc.tuple(vaultName, keyName).map((a) => steps.createKey(...a)) },
  { weight: 3, arbitrary: fc.tuple(vaultName, keyName).map((a) => steps.deleteKey(...a)) },
  { weight: 2, arbitrary: fc.tuple(vaultName, keyName).map((a) => steps.recoverKey(...a)) },
  { weight: 3, arbitrary: fc.tuple(vaultName, keyName).map((a) => steps.purgeKey(...a)) },
  { weight: 2, arbitrary: fc.constantFrom(0.5, 1, 6, 8, 31).map(steps.wait) },
);

describe('vaults and keys that live and die at random', () => {
  it('are there until their retention is over when they are protected, whoever asks for what', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: perWorld, maxLength: perWorld }), async (sequence) => {
        const world: World = { vaults: new Map(), groups: new Set() };
        for (const [index, one] of sequence.entries()) {
          await one(world);
          if (index % 5 === 0) await checkWorld(world);
        }
        await endWorld(world);
      }),
      { numRuns: Math.ceil(operations / perWorld), endOnFailure: true },
    );
    expect(arm.clockErrors).toEqual([]);
  }, 1_200_000);
});
