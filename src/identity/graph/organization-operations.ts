import type { JsonObject } from '../../base/json.ts';
import type { Tenant } from '../tenants.ts';
import type { EntitySet } from './collection.ts';
import { listReply, showReply } from './collection.ts';
import { graphTime } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';

const organizations: EntitySet = { set: 'organization', resource: 'Organization', filterable: new Set(['id']) };
const domains: EntitySet = { set: 'domains', resource: 'Domain', filterable: new Set() };

/** The tenant that the caller is of. */
export const organizationOperations: readonly GraphOperation[] = [
  {
    id: 'Organization_List',
    method: 'GET',
    path: '/organization',
    right: 'directory.read',
    handle: async (deps, request) =>
      listReply(request, organizations, [showTenant(await ownTenant(deps, request))], '/organization'),
  },
  {
    id: 'Organization_Get',
    method: 'GET',
    path: '/organization/{id}',
    right: 'directory.read',
    handle: async (deps, request) => {
      const tenant = await ownTenant(deps, request);
      if (tenant.tenantId !== request.params['id']?.toLowerCase())
        throw graphErrors.notFound(request.params['id'] ?? '');
      return showReply(request, organizations, showTenant(tenant));
    },
  },
  {
    id: 'Domains_List',
    method: 'GET',
    path: '/domains',
    right: 'directory.read',
    handle: async (deps, request) =>
      listReply(request, domains, (await ownTenant(deps, request)).domains.map(showDomain), '/domains'),
  },
];

async function ownTenant({ tenants }: GraphDependencies, request: GraphRequest): Promise<Tenant> {
  const tenant = await tenants.get(request.caller.tenantId);
  if (tenant === undefined) throw graphErrors.notFound(request.caller.tenantId);
  return tenant;
}

const capabilities = 'Email, OfficeCommunicationsOnline';

const showTenant = (tenant: Tenant): JsonObject => ({
  id: tenant.tenantId,
  deletedDateTime: null,
  businessPhones: [],
  city: null,
  country: null,
  countryLetterCode: null,
  createdDateTime: graphTime(tenant.createdAt),
  defaultUsageLocation: null,
  displayName: tenant.displayName,
  isMultipleDataLocationsForServicesEnabled: null,
  marketingNotificationEmails: [],
  onPremisesLastSyncDateTime: null,
  onPremisesSyncEnabled: null,
  partnerTenantType: null,
  postalCode: null,
  preferredLanguage: 'en',
  securityComplianceNotificationMails: [],
  securityComplianceNotificationPhones: [],
  state: null,
  street: null,
  technicalNotificationMails: [],
  tenantType: 'AAD',
  privacyProfile: null,
  assignedPlans: [],
  provisionedPlans: [],
  verifiedDomains: tenant.domains.map((name, index) => ({
    capabilities,
    isDefault: index === 0,
    isInitial: index === 0,
    name,
    type: 'Managed',
  })),
});

const showDomain = (name: string, index: number): JsonObject => ({
  id: name,
  authenticationType: 'Managed',
  availabilityStatus: null,
  isAdminManaged: true,
  isDefault: index === 0,
  isInitial: index === 0,
  isRoot: true,
  isVerified: true,
  supportedServices: capabilities.split(', '),
  passwordValidityPeriodInDays: 2_147_483_647,
  passwordNotificationWindowInDays: 14,
  state: null,
});
