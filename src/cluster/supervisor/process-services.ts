import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import { parseHostName } from '../../base/names.ts';
import type { AskAccess } from '../../storage/placed-blobs.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';
import { infrastructureKeyOf } from '../../encryption/infrastructure/infrastructure-key.ts';
import type { AccessAnswer } from '../messages/container-access.ts';
import type { InfrastructureKeyAnswer } from '../messages/infrastructure-key.ts';
import { ProtocolError } from '../messages/message.ts';
import type { HostAnswer, TokenAnswer, VaultCalls } from '../messages/vault-calls.ts';
import { readCacheUse } from '../messages/cache-use.ts';
import { readSpans } from '../messages/spans.ts';
import { readVaultCall } from '../messages/vault-calls.ts';
import type { VaultGrant } from './cluster-process.ts';
import type { ClusterKeysOptions, HostResolution } from './ports.ts';
import type { HeldByProcess } from './process-state.ts';
import { isStateCall, serveState } from './process-state.ts';

type Ports = Pick<
  ClusterKeysOptions,
  | 'mintToken'
  | 'resourceIdOf'
  | 'resolveHost'
  | 'log'
  | 'state'
  | 'clock'
  | 'monotonic'
  | 'settings'
  | 'clusterTables'
  | 'serveDataPlane'
  | 'containerAccess'
  | 'cacheUsed'
>;

/** Answers what cluster processes ask: whose a host is, tokens, and the state of their own cluster. A process gets a token only for an identity and a host
 * that a call in flight named, and only for an audience that the host belongs to; that of a cluster gets access to the container of extents. One that visits keys says whose key it is for, which the call named, too. */
export function createProcessServices(
  ports: Ports,
  clusterId: Guid | undefined,
  held?: HeldByProcess,
): (operation: string, body: unknown, grants: readonly VaultGrant[]) => Promise<unknown> {
  return async (operation, body, grants) => {
    if (clusterId !== undefined && isStateCall(operation)) return serveState(ports, clusterId, operation, body, held);
    switch (operation) {
      case 'resolve': {
        const { host } = readVaultCall.resolve(body);
        const absent: HostAnswer = { where: 'absent' };
        if (!grants.some((grant) => grant.host === host)) return overreach(ports, 'resolve', absent);
        return answerFor(await ports.resolveHost(host));
      }
      case 'token': {
        const call = readVaultCall.token(body);
        const granted = grants.some(
          (grant) =>
            grant.host === call.host &&
            grant.identity === call.identity &&
            (call.clusterId === undefined || grant.clusterId === call.clusterId),
        );
        if (!granted || !isAudienceOf(call.audience, call.host)) {
          const refused = { outcome: 'refused', reason: 'The token is not for the vault that was asked.' } as const;
          return overreach(ports, 'token', refused);
        }
        return tokenFor(ports, clusterId ?? call.clusterId, call);
      }
      case 'spans': {
        if (ports.log.tracer === undefined) throw new ProtocolError('operation');
        ports.log.tracer.adopt(readSpans(body).spans);
        return null;
      }
      case 'cacheUse':
        if (clusterId === undefined || ports.cacheUsed === undefined) throw new ProtocolError('operation');
        ports.cacheUsed(readCacheUse(body));
        return null;
      case 'infrastructureKey':
        if (clusterId === undefined) throw new ProtocolError('operation');
        return { key: await infrastructureKeyOf(ports.state, clusterId) } satisfies InfrastructureKeyAnswer;
      case 'containerAccess':
        if (clusterId === undefined || ports.containerAccess === undefined) throw new ProtocolError('operation');
        return accessFor(ports.containerAccess);
      default:
        if (clusterId === undefined || ports.serveDataPlane === undefined) throw new ProtocolError('operation');
        return ports.serveDataPlane(clusterId, operation, body);
    }
  };
}

async function accessFor(ask: AskAccess): Promise<AccessAnswer> {
  try {
    return { outcome: 'access', access: await ask() };
  } catch (error) {
    if (error instanceof BlobsUnavailableError) return { outcome: 'unavailable', why: error.why };
    throw error;
  }
}

/** The way there, without what makes tokens. */
const answerFor = (found: HostResolution): HostAnswer =>
  found.where === 'outside' ? { where: 'outside', route: found.route } : found;

async function tokenFor(ports: Ports, clusterId: Guid | undefined, call: VaultCalls['token']): Promise<TokenAnswer> {
  const resolution = await ports.resolveHost(call.host);
  switch (resolution.where) {
    case 'ours':
      return ports.mintToken(
        call.identity,
        call.audience,
        clusterId === undefined ? undefined : await ports.resourceIdOf?.(clusterId),
      );
    case 'outside':
      return resolution.mintToken(call.identity, { audience: call.audience, authority: call.authority });
    case 'absent':
      return { outcome: 'refused', reason: 'The vault does not exist.' };
  }
}

/** `https://vault.azure.net` is an audience of `contoso.vault.azure.net`: the resource is a parent domain of the host. */
function isAudienceOf(audience: string, host: HostName): boolean {
  const match = /^https:\/\/([^/:?#@]+)(?::\d{1,5})?$/.exec(audience);
  const domain = match === null ? undefined : parseHostName(match[1] ?? '');
  return domain?.includes('.') === true && host.endsWith(`.${domain}`);
}

function overreach<T>(ports: Ports, operation: string, answer: T): T {
  ports.log.warning('cluster-process-overreach', { operation });
  return answer;
}
