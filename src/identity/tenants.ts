import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { invariant } from '../base/invariant.ts';
import { parseHostName } from '../base/names.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import { listIntact } from '../state/list-all.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { recordFields } from './record-fields.ts';

export interface Tenant {
  readonly tenantId: Guid;
  /** Shown in errors such as AADSTS700016. */
  readonly displayName: string;
  /** Lower case, the default domain first: `kustody.onmicrosoft.com`. */
  readonly domains: readonly string[];
  /** Kustody's own; clients cannot sign in to it and are told that it does not exist. */
  readonly hidden: boolean;
  readonly createdAt: Instant;
}

interface NewTenant {
  readonly displayName: string;
  readonly domains: readonly string[];
  readonly hidden: boolean;
  readonly createdAt: Instant;
}

export const tenantTable: Table<Tenant & { readonly format: number }> = {
  name: 'tenant',
  parse: (value) => {
    const fields = recordFields(value, 'tenant', 1);
    return {
      format: 1,
      tenantId: fields.guid('tenantId'),
      displayName: fields.text('displayName'),
      domains: fields.list('domains').map(String),
      hidden: fields.flag('hidden'),
      createdAt: instant(fields.integer('createdAt')),
    };
  },
};

export interface Tenants {
  /** A tenant with a random id. A domain belongs to one tenant only. */
  create(tenant: NewTenant): Promise<Tenant>;
  get(tenantId: Guid): Promise<Tenant | undefined>;
  /** By what a client writes in a URL: a GUID or a domain. Never finds a hidden tenant. */
  find(idOrDomain: string): Promise<Tenant | undefined>;
}

export function openTenants(state: State, randomBytes: RandomBytes): Tenants {
  const all = async (): Promise<readonly Tenant[]> =>
    (await listIntact(state, tenantTable)).map((record) => record.value);
  const get = async (tenantId: Guid): Promise<Tenant | undefined> => (await state.get(tenantTable, tenantId))?.value;
  return {
    async create(tenant) {
      const domains = tenant.domains.map((domain) => parseHostName(domain));
      invariant(!domains.includes(undefined), 'a tenant domain is a DNS name');
      const taken = (await all()).flatMap((other) => other.domains);
      invariant(!domains.some((domain) => taken.includes(domain ?? '')), 'a domain belongs to one tenant only');
      const made = { ...tenant, format: 1, domains: domains.map(String), tenantId: newGuid(randomBytes) };
      await state.commit({ write: [writeRecord(tenantTable, made.tenantId, null, made)] });
      return made;
    },
    get,
    async find(idOrDomain) {
      const tenantId = parseGuid(idOrDomain);
      const domain = idOrDomain.toLowerCase();
      const found =
        tenantId === undefined ? (await all()).find((tenant) => tenant.domains.includes(domain)) : await get(tenantId);
      return found?.hidden === true ? undefined : found;
    },
  };
}
