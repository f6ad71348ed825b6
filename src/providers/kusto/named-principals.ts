import type { NamedPrincipal } from '../../authz/role-changes.ts';
import type { Guid } from '../../base/guid.ts';
import type { KustoPorts, PrincipalType } from './ports.ts';

const prefixOf: Readonly<Record<PrincipalType, string>> = { App: 'aadapp', Group: 'aadgroup', User: 'aaduser' };
const types = Object.keys(prefixOf) as PrincipalType[];

/** @param id of an application: its application id; else the object id */
export const fqnOf = (type: PrincipalType, id: Guid, tenantId: Guid): string => `${prefixOf[type]}=${id};${tenantId}`;

/** Those that a command names: `aaduser=name@example.com`, `aadgroup=id;tenant`, `aadapp=id;example.com`. The tenant may be left out.
 * @param isLeaving who leaves may be unknown, and is left out then
 * @returns them, or why one of them cannot be found
 * @see Kusto "Referencing security principals" */
export async function namedPrincipals(
  ports: Pick<KustoPorts, 'findPrincipal' | 'findTenant'>,
  tenantId: Guid,
  texts: readonly string[],
  isLeaving: boolean,
): Promise<string | readonly NamedPrincipal[]> {
  const found: NamedPrincipal[] = [];
  for (const text of texts) {
    const [, kind = '', id = '', tenant = ''] = /^\s*([A-Za-z]+)\s*=([^;]+)(?:;(.*))?$/.exec(text) ?? [];
    const type = types.find((one) => prefixOf[one] === kind.toLowerCase());
    if (type === undefined) return `'${text}' is not a principal: aaduser=, aadgroup= or aadapp= begins it.`;
    const isHere = tenant.trim() === '' || (await ports.findTenant(tenant.trim())) === tenantId;
    const known = isHere ? await ports.findPrincipal(type, id.trim(), tenantId) : undefined;
    if (known === undefined) {
      if (isLeaving) continue;
      return `The principal '${text}' was not found in the tenant '${tenantId}'.`;
    }
    const { displayName, objectId } = known;
    const fqn = fqnOf(type, known.appId ?? objectId, tenantId);
    found.push({ principalType: type, displayName, objectId, fqn });
  }
  return found;
}
