import { parseGuid } from '../../base/guid.ts';
import { parseHostName } from '../../base/names.ts';
import type { Tenant, Tenants } from '../tenants.ts';
import type { ProofOptions } from './client-proof.ts';
import { requireClient } from './client-proof.ts';
import { entraError } from './entra-error.ts';
import { rolesOfPrincipal } from './granted-permissions.ts';
import { audienceOf, findResource } from './resources.ts';
import { readCredentials, readResource } from './token-request.ts';
import type { IssuedToken, IssueToken } from './token-service.ts';

export interface GrantOptions extends ProofOptions {
  readonly issueToken: IssueToken;
}

export interface GrantRequest {
  readonly version: 1 | 2;
  /** The first segment of the path. */
  readonly tenant: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

export interface Grant extends IssuedToken {
  readonly resource: string;
}

/** Names in place of a tenant, for clients that do not know the user's. */
export const sharedTenantNames: readonly string[] = ['common', 'organizations'];

/** The client credentials grant. The order of the steps decides which error a client sees first. @throws EntraError */
export async function grantClientCredentials(request: GrantRequest, options: GrantOptions): Promise<Grant> {
  const tenant = await requireTenant(request.tenant, options.tenants);
  const credentials = readCredentials(request.form, request.authorization);
  const { principal, provedBy } = await requireClient(credentials, tenant, options);
  const identifier = readResource(request.form, request.version);
  const resource = await findResource(identifier, tenant.tenantId, options.directory);
  if (resource === undefined) throw entraError('ResourceNotFound', identifier, tenant.tenantId);
  const audience = audienceOf(resource, identifier);
  const roles = await rolesOfPrincipal(options.directory, principal.objectId, resource);
  const issued = await options.issueToken({ principal, tenant, resource, audience, provedBy, roles });
  return { resource: identifier, ...issued };
}

/** @throws EntraError */
export async function requireTenant(name: string, tenants: Tenants): Promise<Tenant> {
  if (sharedTenantNames.includes(name.toLowerCase())) throw entraError('NoTenant');
  const tenant = await tenants.find(name);
  if (tenant !== undefined) return tenant;
  const isName = parseGuid(name) !== undefined || (name.includes('.') && parseHostName(name) !== undefined);
  throw entraError(isName ? 'TenantNotFound' : 'TenantNameInvalid', name);
}
