import type { CmkClients } from '../../cmk/clients.ts';
import { gatherCluster } from '../../cmk/gather.ts';
import type { PlanOptions } from '../../cmk/plan-step.ts';
import { identityOfCluster } from '../../cmk/resolve-target.ts';
import type { ResourceId } from '../../cmk/resource-id.ts';
import type { CmkTarget, GivenTarget, Parsed } from '../../cmk/target.ts';
import { clusterIdOf, parseClusterId, parseIdentity, parseKey, parseVault, parseVersion } from '../../cmk/target.ts';
import { UserError } from '../user-error.ts';

/** Options as commander hands them over. */
export interface NamedArguments {
  readonly subscription?: string;
  readonly resourceGroup?: string;
  readonly cluster?: string;
  readonly clusterId?: string;
  readonly vault?: string;
  readonly key?: string;
  readonly keyVersion?: string;
  readonly identity?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly json: boolean;
}

export interface PlanArguments extends NamedArguments {
  readonly createKey: boolean;
  readonly keySize: string;
  readonly enablePurgeProtection: boolean;
}

interface ChangingArguments {
  readonly yes: boolean;
  readonly warnDays: number;
}

export type ApplyArguments = PlanArguments & ChangingArguments;
export type VerifyArguments = NamedArguments & Pick<ChangingArguments, 'warnDays'>;
export type RotateArguments = NamedArguments &
  ChangingArguments & { readonly toVersion?: string; readonly disableOld: boolean };
export type DiagnoseArguments = NamedArguments & { readonly error?: string };

/** What plan and apply need to be told: all but the identity, which the cluster may have. */
export type AskedTarget = Omit<CmkTarget, 'identity'> & Pick<GivenTarget, 'identity'>;

/** @throws UserError */
export function askedOf(args: NamedArguments): AskedTarget {
  const { vault, keyName, ...others } = givenOf(args);
  if (vault === undefined || keyName === undefined)
    throw new UserError('The vault and the key are not named.', 'Give --vault and --key.');
  return { ...others, vault, keyName };
}

/** @throws UserError when the cluster has several identities, and none is named */
export async function targetOf(clients: CmkClients, asked: AskedTarget): Promise<CmkTarget> {
  if (asked.identity !== undefined) return { ...asked, identity: asked.identity };
  const found = identityOfCluster(await gatherCluster(clients, asked.cluster));
  if ('problem' in found) throw new UserError(found.problem, 'Give --identity.');
  return { ...asked, identity: found.value };
}

/** @throws UserError */
export function givenOf(args: NamedArguments): GivenTarget {
  const { vault, key, keyVersion, identity } = args;
  return {
    cluster: clusterOf(args),
    ...(vault === undefined ? {} : { vault: valid(parseVault(vault)) }),
    ...(key === undefined ? {} : { keyName: valid(parseKey(key)) }),
    ...(keyVersion === undefined ? {} : { keyVersion: versionOf(keyVersion) }),
    ...(identity === undefined ? {} : { identity: valid(parseIdentity(identity)) }),
  };
}

export const versionOf = (text: string): string => valid(parseVersion(text));

export const namesCluster = ({ cluster, clusterId }: NamedArguments): boolean =>
  cluster !== undefined || clusterId !== undefined;

function clusterOf({ subscription, resourceGroup, cluster, clusterId }: NamedArguments): ResourceId {
  if (clusterId !== undefined) {
    if (cluster !== undefined || resourceGroup !== undefined)
      throw new UserError('The cluster is named twice.', 'Give --cluster-id alone.');
    return valid(parseClusterId(clusterId));
  }
  const missing = [
    ...(subscription === undefined ? ['--subscription'] : []),
    ...(resourceGroup === undefined ? ['--resource-group'] : []),
    ...(cluster === undefined ? ['--cluster'] : []),
  ];
  if (subscription === undefined || resourceGroup === undefined || cluster === undefined)
    throw new UserError('The cluster is not named.', `Give ${missing.join(', ')}, or --cluster-id.`);
  return valid(clusterIdOf(subscription, resourceGroup, cluster));
}

function valid<T>(parsed: Parsed<T>): T {
  if ('problem' in parsed) throw new UserError(parsed.problem);
  return parsed.value;
}

export const planOptionsOf = ({ createKey, keySize, enablePurgeProtection }: PlanArguments): PlanOptions => ({
  createKey,
  keySizeBits: Number(keySize),
  enablePurgeProtection,
});
