import type { MintToken } from '../authz/caller.ts';
import type { Guid } from '../base/guid.ts';
import { isJsonObject } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import { parseVersionedKeyId } from '../base/key-id.ts';
import type { KeyName, Region, VaultName } from '../base/names.ts';
import { parseHostName, parseRegion, parseVaultName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import type { Edge } from '../cluster/messages/vault-calls.ts';
import type { ServiceVault } from '../cluster/supervisor/ports.ts';
import type { KeyFailure } from '../encryption/key-wrapper.ts';
import type { VaultSettings } from '../vault/vault-directory.ts';
import type { Instance } from './instance.ts';
import { parseJsonBody, sendLocal } from './local-request.ts';

/** Reserved: no customer can make or see a vault of this name. */
export const serviceVaultName: VaultName = required(parseVaultName('kustody-service-keys'));
const serviceVaultHost = required(parseHostName(`${serviceVaultName}.vault.azure.net`));
const serviceRegion: Region = required(parseRegion('eastus'));

/** Keys of Microsoft-managed custody. Soft delete is off, so that a destroyed key is gone for good. */
export function serviceVaultSettings(instance: Instance): VaultSettings {
  const { tenantId, vaultId, clusterPrincipal, operatorPrincipal } = instance.service;
  const policy = (objectId: Guid, keys: readonly string[]) => ({ tenantId, objectId, permissions: { keys } });
  return {
    vaultId,
    name: serviceVaultName,
    uri: `https://${serviceVaultHost}/`,
    region: serviceRegion,
    tenantId,
    resourceId: `/kustody/vaults/${serviceVaultName}`,
    sku: 'standard',
    accessPolicies: [
      policy(clusterPrincipal, ['get', 'wrapKey', 'unwrapKey']),
      policy(operatorPrincipal, ['create', 'delete']),
    ],
    enableRbacAuthorization: false,
    softDelete: false,
    retentionDays: 90,
    purgeProtection: false,
    networkAcls: { defaultAction: 'Allow', bypass: 'AzureServices', ipRules: [] },
    publicNetworkAccess: 'Enabled',
  };
}

export interface ServiceVaultOptions {
  readonly instance: Instance;
  readonly mintToken: MintToken;
  /** Read when a call is made: the edge listens by then. */
  readonly edge: Edge;
  readonly timeoutMs: number;
}

/** Goes to Kustody's own vault as any client would: over HTTPS through the edge, with a token. */
export function createServiceVault(options: ServiceVaultOptions): ServiceVault {
  const call = (method: 'POST' | 'DELETE', path: string, body?: Json) => callVault(options, method, path, body);
  return {
    host: serviceVaultHost,
    identity: options.instance.service.clusterPrincipal,
    async createKey(name: KeyName) {
      const answer = await call('POST', `/keys/${name}/create`, {
        kty: 'RSA',
        key_size: 2048,
        key_ops: ['wrapKey', 'unwrapKey'],
      });
      if ('outcome' in answer) return answer;
      if (answer.status !== 200) return failureOf(answer.status);
      const key = isJsonObject(answer.body) && isJsonObject(answer.body['key']) ? answer.body['key'] : undefined;
      const kid = typeof key?.['kid'] === 'string' ? parseVersionedKeyId(key['kid']) : undefined;
      invariant(kid !== undefined, 'a created key has a versioned kid');
      return { outcome: 'created', kid };
    },
    async destroyKey(name: KeyName) {
      const answer = await call('DELETE', `/keys/${name}`);
      if ('outcome' in answer) return answer;
      return answer.status === 200 || answer.status === 404 ? { outcome: 'destroyed' } : failureOf(answer.status);
    },
  };
}

interface VaultAnswer {
  readonly status: number;
  readonly body: unknown;
}

const failureOf = (status: number): KeyFailure => ({
  outcome: 'failed',
  kind: 'outage',
  cause: status === 429 ? 'throttled' : status >= 500 ? 'serverError' : 'unknown',
  status,
  message: `The service vault answered ${status}.`,
});

async function callVault(
  options: ServiceVaultOptions,
  method: 'POST' | 'DELETE',
  path: string,
  body: Json | undefined,
): Promise<VaultAnswer | KeyFailure> {
  const minted = await options.mintToken(options.instance.service.operatorPrincipal, 'https://vault.azure.net');
  if (minted.outcome === 'refused') {
    return { outcome: 'failed', kind: 'refusal', cause: 'noIdentity', message: minted.reason };
  }
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  try {
    return await exchange(options, method, path, minted.token, payload);
  } catch {
    return { outcome: 'failed', kind: 'outage', cause: 'unreachable', message: 'The service vault cannot be reached.' };
  }
}

const answerBytesMax = 64 * 1024;

async function exchange(
  { edge, timeoutMs }: ServiceVaultOptions,
  method: string,
  path: string,
  token: string,
  body: Buffer | undefined,
): Promise<VaultAnswer> {
  const answer = await sendLocal(edge, {
    ...{ host: serviceVaultHost, method, timeoutMs, answerBytesMax },
    path: `${path}?api-version=7.4`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: parseJsonBody(answer.body) };
}

function required<T>(value: T | undefined): T {
  invariant(value !== undefined, 'a built-in name is well formed');
  return value;
}
