import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Application } from '../principals/application.ts';
import type { Directory } from '../principals/directory.ts';
import { firstPartyId } from '../principals/first-party.ts';

/** A service that tokens can be asked for. */
export interface Resource {
  readonly appId: Guid;
  readonly tokenVersion: 1 | 2;
  /** Microsoft's own services get v1 tokens from both endpoints, with `idtyp`. */
  readonly firstParty: boolean;
  /** Tokens tell about the tenant (`xms_tcdt`) or the directory too (`app_displayname`, `wids`, `tenant_region_scope`). */
  readonly extraClaims: 'none' | 'tenant' | 'directory';
  /** Of the service principal that it has in the tenant. */
  readonly principalId: Guid;
  /** As its owner registered it; missing of Microsoft's. */
  readonly application?: Application;
}

/** Where resources are looked up. */
export type ResourceDirectory = Pick<Directory, 'principals' | 'applications'>;

interface KnownResource {
  readonly appId: string;
  /** 1 unless it says. */
  readonly tokenVersion?: 2;
  /** Compared without case and without one trailing slash. */
  readonly names: readonly string[];
  readonly pattern?: RegExp;
  readonly extraClaims: Resource['extraClaims'];
}

/** Names and application ids of the services Kustody offers. @see Microsoft Entra "first-party application ids" */
const knownResources = {
  resourceManager: {
    appId: '797f4846-ba00-4fd7-ba43-dac1f8f63013',
    names: ['https://management.azure.com', 'https://management.core.windows.net'],
    extraClaims: 'tenant',
  },
  graph: {
    appId: '00000003-0000-0000-c000-000000000000',
    names: ['https://graph.microsoft.com'],
    extraClaims: 'directory',
  },
  keyVault: {
    appId: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
    names: ['https://vault.azure.net'],
    extraClaims: 'none',
  },
  dataExplorer: {
    appId: '2746ea77-4702-4b45-80ca-3c97e680e8b7',
    names: ['https://kusto.kusto.windows.net', 'https://help.kusto.windows.net', 'https://api.kusto.windows.net'],
    pattern: /^https:\/\/[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}\.kusto\.windows\.net$/,
    extraClaims: 'none',
  },
  storage: {
    appId: 'e406a681-f3d4-42a8-90b6-c2b029497af1',
    names: ['https://storage.azure.com'],
    pattern: /^https:\/\/[a-z0-9]{3,24}\.(?:blob|queue|table|file|dfs)\.core\.windows\.net$/,
    extraClaims: 'none',
  },
  /** Tokens for it stand for an application that trusts their subject. */
  tokenExchange: {
    appId: 'fb60f99c-7a34-4190-8149-302f77469936',
    tokenVersion: 2,
    names: ['api://azureadtokenexchange'],
    extraClaims: 'none',
  },
} as const satisfies Record<string, KnownResource>;

const knownRows: readonly KnownResource[] = Object.values(knownResources);

/** Which service a client means by a resource identifier: a URI, an application id, or `spn:` and an application id.
 * Applications of the tenant are resources too, as `{app id}`, `api://{app id}` and by the URIs that they registered.
 * @returns undefined when the tenant has no such resource (AADSTS500011) */
export async function findResource(
  identifier: string,
  tenantId: Guid,
  directory: ResourceDirectory,
): Promise<Resource | undefined> {
  const name = identifier.toLowerCase().replace(/\/$/, '');
  const appId = parseGuid(name.replace(/^(spn:|api:\/\/)/, ''));
  const known = knownRows.find((row) => isNamed(row, name, name.startsWith('api://') ? undefined : appId));
  if (known !== undefined) {
    const knownAppId = parseGuid(known.appId);
    invariant(knownAppId !== undefined, 'the table of resources holds valid application ids');
    return {
      appId: knownAppId,
      tokenVersion: known.tokenVersion ?? 1,
      firstParty: true,
      extraClaims: known.extraClaims,
      principalId: firstPartyId(tenantId, knownAppId),
    };
  }
  const application = await findApplication(name, appId, tenantId, directory);
  const principalAppId = application?.appId ?? appId;
  const principal = principalAppId && (await directory.principals.findByAppId(tenantId, principalAppId));
  if (principal?.kind !== 'application') return undefined;
  return {
    appId: principal.appId,
    tokenVersion: principal.accessTokenVersion,
    ...{ firstParty: false, extraClaims: 'none', principalId: principal.objectId },
    ...(application === undefined ? {} : { application }),
  };
}

async function findApplication(
  name: string,
  appId: Guid | undefined,
  tenantId: Guid,
  { applications }: ResourceDirectory,
): Promise<Application | undefined> {
  if (appId !== undefined) return applications.findByName(tenantId, appId);
  const isIts = (uri: string): boolean => uri.toLowerCase().replace(/\/$/, '') === name;
  return (await applications.list(tenantId)).find(({ identifierUris }) => identifierUris.some(isIts));
}

function isNamed(row: KnownResource, name: string, appId: Guid | undefined): boolean {
  return row.names.includes(name) || row.appId === appId || row.pattern?.test(name) === true;
}

/** `aud`: the resource as it was asked for, letter by letter; version 2 tokens always carry the application id. */
export function audienceOf(resource: Resource, identifier: string): string {
  return resource.tokenVersion === 2 ? resource.appId : identifier;
}

/** As federated credentials name the audience, and as tokens do. */
export const tokenExchange = {
  uri: 'api://AzureADTokenExchange',
  appId: knownResources.tokenExchange.appId,
} as const;
