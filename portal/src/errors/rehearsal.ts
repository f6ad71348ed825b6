import { isObject } from '../api/request.ts';
import type { ArmRequest, Exchange, Stage } from './exchange.ts';
import { exchange } from './exchange.ts';

/** The group that holds all of a rehearsal, and nothing else: it is made by the first one, and removed with all that is in it. */
const rehearsalGroup = 'kustody-rehearsal';

/** What errors are provoked on: a cluster with an identity, and a vault with a key that the cluster may use. */
export interface Rehearsal {
  /** Resource id of the group. */
  readonly group: string;
  readonly tenantId: string;
  readonly cluster: string;
  readonly principalId: string;
  readonly vault: string;
  /** For names that nobody has had yet: 6 hex digits. */
  readonly fresh: () => string;
}

const versions = {
  kusto: '2024-04-13',
  vault: '2023-07-01',
  /** By which vaults are made as they were before soft delete came by itself. */
  vaultOf2018: '2018-02-14',
  resources: '2022-09-01',
  subscriptions: '2022-12-01',
};
const versioned = (path: string, of: keyof typeof versions): string => `${path}?api-version=${versions[of]}`;

export const keyName = 'rehearsal-key';
const location = 'westus';
const sku = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };

export const vaultUri = (name: string): string => `https://${name}.vault.azure.net/`;
export const clusterPath = (group: string, name: string): string =>
  versioned(`${group}/providers/Microsoft.Kusto/clusters/${name}`, 'kusto');
const vaultPath = (group: string, name: string, below = '', of: 'vault' | 'vaultOf2018' = 'vault'): string =>
  versioned(`${group}/providers/Microsoft.KeyVault/vaults/${name}${below}`, of);

export const putCluster = (
  group: string,
  name: string,
  rest: Readonly<Record<string, unknown>>,
  says: string,
): ArmRequest => ({ says, method: 'PUT', path: clusterPath(group, name), json: { location, sku, ...rest } });

export const systemAssigned = { identity: { type: 'SystemAssigned' } };

/** @param principals who get, wrap and unwrap there */
export const putVault = (
  { group, tenantId }: Pick<Rehearsal, 'group' | 'tenantId'>,
  name: string,
  principals: readonly string[],
  protection: Readonly<Record<string, boolean>>,
  says: string,
): ArmRequest => ({
  says,
  method: 'PUT',
  path: vaultPath(group, name, '', protection['enableSoftDelete'] === true ? 'vault' : 'vaultOf2018'),
  json: {
    location,
    properties: {
      ...{ tenantId, sku: { family: 'A', name: 'standard' } },
      accessPolicies: principals.map((principal) => policyFor(tenantId, principal)),
      ...protection,
    },
  },
});

const policyFor = (tenantId: string, objectId: string) => ({
  ...{ tenantId, objectId },
  permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] },
});

export const patchVault = (group: string, name: string, properties: object, says: string): ArmRequest => ({
  ...{ says, method: 'PATCH', path: vaultPath(group, name), json: { properties } },
});

export const addPolicy = (
  { group, tenantId }: Rehearsal,
  name: string,
  principal: string,
  says: string,
): ArmRequest => ({
  ...{ says, method: 'PUT', path: vaultPath(group, name, '/accessPolicies/add') },
  json: { properties: { accessPolicies: [policyFor(tenantId, principal)] } },
});

export const putKey = (group: string, vault: string, key: string, says: string): ArmRequest => ({
  ...{ says, method: 'PUT', path: vaultPath(group, vault, `/keys/${key}`) },
  json: { properties: { kty: 'RSA', keySize: 2048 } },
});

/** Sends requests one after the other, and shows each with its answer. */
export class Conversation {
  constructor(
    private readonly show: (seen: Exchange) => void,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Error for what was refused */
  async need(stage: Stage, request: ArmRequest): Promise<unknown> {
    const seen = await this.say(stage, request);
    if (seen.status < 200 || seen.status >= 300) throw new Error(`${request.says}: ${refusalOf(seen)}`);
    return seen.answer;
  }

  async say(stage: Stage, request: ArmRequest): Promise<Exchange> {
    const seen = await exchange(stage, request, this.signal);
    this.show(seen);
    return seen;
  }

  /** Sends it, and waits until the cluster has come to rest. @returns the cluster @throws Error for what was refused or failed */
  async settle(stage: Stage, request: ArmRequest): Promise<Readonly<Record<string, unknown>>> {
    await this.need(stage, request);
    const look: ArmRequest = { says: 'How it came out', method: 'GET', path: request.path };
    for (;;) {
      const seen = await exchange(stage, look, this.signal);
      const state = textAt(seen.answer, 'properties', 'provisioningState');
      if (seen.status === 200 && state !== 'Succeeded' && state !== 'Failed') {
        await pause(this.signal);
        continue;
      }
      this.show(seen);
      if (state !== 'Succeeded') throw new Error(`${request.says}: ${state ?? refusalOf(seen)}`);
      return isObject(seen.answer) ? seen.answer : {};
    }
  }

  /** Waits until nothing is there any more. */
  async gone(path: string): Promise<void> {
    while ((await exchange('tidy', { says: '', method: 'GET', path }, this.signal)).status !== 404)
      await pause(this.signal);
  }
}

/** Makes what is not there yet. */
export async function openRehearsal(talk: Conversation): Promise<Rehearsal> {
  const subscriptions = await talk.need('prepare', {
    ...{ says: 'Which subscription', method: 'GET', path: versioned('/subscriptions', 'subscriptions') },
  });
  const [subscription] = listOf(subscriptions);
  const id = textAt(subscription, 'id');
  const tenantId = textAt(subscription, 'tenantId') ?? '';
  if (id === undefined) throw new Error('This instance has no subscription that the portal sees.');
  const group = `${id}/resourceGroups/${rehearsalGroup}`;
  const path = versioned(group, 'resources');
  const before = await talk.say('prepare', { says: 'Its group, if there is one', method: 'GET', path });
  if (before.status === 200 && !isOurs(before))
    throw new Error(`There is a resource group ${rehearsalGroup} that no rehearsal has made: it is left alone.`);
  if (before.status !== 200)
    await talk.need('prepare', { ...{ says: 'The group', method: 'PUT', path }, json: { location, tags: ourTags } });
  const clusters = await talk.need('prepare', {
    ...{ says: 'Its cluster, if there is one', method: 'GET' },
    path: versioned(`${group}/providers/Microsoft.Kusto/clusters`, 'kusto'),
  });
  const there = listOf(clusters).find((one) => /^rehearse[0-9a-f]{6}$/.test(textAt(one, 'name') ?? ''));
  const name = textAt(there, 'name') ?? `rehearse${freshHex()}`;
  const cluster =
    there ?? (await talk.settle('prepare', putCluster(group, name, systemAssigned, 'A cluster with an identity')));
  const principalId = textAt(cluster, 'identity', 'principalId') ?? '';
  const protection = { enableSoftDelete: true, enablePurgeProtection: true };
  await talk.need(
    'prepare',
    putVault({ group, tenantId }, `${name}-kv`, [principalId], protection, 'A vault that lets the cluster in'),
  );
  await talk.need('prepare', putKey(group, `${name}-kv`, keyName, 'A key in it'));
  return { group, tenantId, cluster: name, principalId, vault: `${name}-kv`, fresh: freshHex };
}

/** Deletes the group and all that is in it. */
export async function removeRehearsal(group: string, talk: Conversation): Promise<void> {
  const path = versioned(group, 'resources');
  await talk.need('tidy', { says: 'The group, with all that is in it', method: 'DELETE', path });
  await talk.gone(path);
}

/** @returns resource id of the group, when there is one */
export async function findRehearsal(signal: AbortSignal): Promise<{ readonly group: string | undefined }> {
  const asked = (path: string) => exchange('prepare', { says: '', method: 'GET', path }, signal);
  const subscriptions = await asked(versioned('/subscriptions', 'subscriptions'));
  const id = textAt(listOf(subscriptions.answer)[0], 'id');
  if (id === undefined) return { group: undefined };
  const group = `${id}/resourceGroups/${rehearsalGroup}`;
  return { group: isOurs(await asked(versioned(group, 'resources'))) ? group : undefined };
}

/** So no group of that name is ever removed that somebody else has made. */
const ourTags = { kustody: 'rehearsal' };
const isOurs = ({ status, answer }: Exchange): boolean =>
  status === 200 && textAt(answer, 'tags', 'kustody') === ourTags.kustody;

const freshHex = (): string =>
  [...crypto.getRandomValues(new Uint8Array(3))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

const pauseMs = 150;
const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, pauseMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });

function listOf(answer: unknown): readonly unknown[] {
  const value = isObject(answer) ? answer['value'] : undefined;
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), value);
  return typeof found === 'string' ? found : undefined;
}

/** The service's own words. */
export const refusalOf = ({ status, answer }: Exchange): string =>
  textAt(answer, 'error', 'message') ?? (typeof answer === 'string' ? answer : `status ${status}`);
