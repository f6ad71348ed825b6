import type { Values } from '../../portal/src/admin/form.ts';

/** A form that is filled in and sent. */
export interface AdministrationStep {
  readonly kind: string;
  readonly form: string;
  /** What is changed: its name, and what else its row has in it. */
  readonly thing?: readonly [name: string, has: string];
  /** Choices by the beginning of their label; `@identity` is the object id of an identity. */
  readonly values?: Values;
  /** What the row of this name has in it afterwards; `gone`: there is no row with that. */
  readonly then: readonly [name: string, has: string, gone?: 'gone'];
  /** The Azure CLI has a part of its own for it, which is not everywhere. */
  readonly isExtension?: true;
  /** The official client looks every two seconds whether it is done. */
  readonly isPolled?: true;
}

/** Every form of the page *Administration*, in an order in which one stands on the other.
 * @param tag tells the names of one run from those of another @param objectId of whoever sends @param assignment a GUID */
export function administrationSteps(tag: string, objectId: string, assignment: string): readonly AdministrationStep[] {
  const [group, vault, cluster, identity, database] = [
    `g-${tag}`,
    `v-${tag}-4711`,
    `c${tag}4711`,
    `i-${tag}`,
    `d-${tag}`,
  ];
  const place = { group, region: 'eastus' };
  const principal = `@${identity}`;
  const owns = 'makes, changes and deletes keys';
  return [
    step('groups', 'make', { name: group, region: 'eastus' }, [group, 'eastus']),
    step('identities', 'make', { ...place, name: identity }, [identity, group]),
    step('vaults', 'make', { ...place, name: vault, roles: 'Access policies', purge: 'true' }, [
      vault,
      'access policies',
    ]),
    step('roles', 'make-policy', { vault, principal: objectId, keys: owns }, ['kustody', `vaults/${vault}`]),
    step('keys', 'make', { vault, name: 'k', size: '2048' }, ['k', `${vault}|enabled`]),
    change('keys', 'switch', ['k', vault], { state: 'disabled' }, ['k', `${vault}|disabled`]),
    change('keys', 'switch', ['k', vault], { state: 'enabled' }, ['k', `${vault}|enabled`]),
    change('keys', 'rotate', ['k', vault], {}, ['k', `${vault}|enabled`]),
    { ...change('keys', 'delete', ['k', vault], {}, ['k', `${vault}|deleted`]), isPolled: true },
    { ...change('keys', 'recover', ['k', vault], {}, ['k', `${vault}|enabled`]), isPolled: true },
    step('roles', 'make-policy', { vault, principal, keys: 'a cluster needs' }, [identity, 'unwrapKey']),
    step(
      ...(['roles', 'make'] as const),
      { scope: `vault ${vault}`, role: 'Key Vault Reader', principal, name: assignment },
      [identity, 'Key Vault Reader'],
    ),
    kusto('clusters', 'make', undefined, { ...place, name: cluster, identity }, [cluster, 'UserAssigned']),
    kusto('clusters', 'key', [cluster, ''], { vault, key: 'k', identity }, [cluster, `k in https://${vault}`]),
    kusto('databases', 'make', undefined, { cluster, name: database, kept: 'P30D', hot: 'P7D' }, [database, 'P7D']),
    kusto('databases', 'change', [database, ''], { kept: 'P30D', hot: 'P9D' }, [database, 'P9D']),
    kusto(
      ...(['roles', 'make-kusto', undefined] as const),
      { cluster, database, role: 'Viewer', principal, name: `a-${tag}` },
      [identity, 'Viewer'],
    ),
    kusto('roles', 'delete', [identity, 'Viewer'], {}, [identity, 'Viewer', 'gone']),
    kusto('databases', 'delete', [database, ''], {}, [database, '', 'gone']),
    kusto('clusters', 'resize', [cluster, ''], { sku: 'Standard_E2ads_v5', capacity: '3' }, [cluster, '× 3']),
    kusto('clusters', 'stop', [cluster, ''], {}, [cluster, 'Stopped']),
    kusto('clusters', 'start', [cluster, ''], {}, [cluster, 'Running']),
    kusto('clusters', 'delete', [cluster, ''], {}, [cluster, '', 'gone']),
    change('roles', 'delete', [identity, 'Key Vault Reader'], {}, [identity, 'Key Vault Reader', 'gone']),
    change('roles', 'delete', [identity, 'unwrapKey'], {}, [identity, 'unwrapKey', 'gone']),
    change('vaults', 'change', [vault, ''], { roles: 'Roles' }, [vault, 'exists|roles']),
    change('vaults', 'delete', [vault, ''], {}, [vault, 'deleted']),
    change('vaults', 'recover', [vault, 'deleted'], {}, [vault, 'exists']),
    change('identities', 'delete', [identity, ''], {}, [identity, '', 'gone']),
    change('groups', 'delete', [group, ''], {}, [group, '', 'gone']),
  ];
}

type Then = AdministrationStep['then'];

const step = (kind: string, form: string, values: Values, then: Then): AdministrationStep => ({
  kind,
  form,
  values,
  then,
});

const change = (
  kind: string,
  form: string,
  thing: readonly [string, string],
  values: Values,
  then: Then,
): AdministrationStep => ({ kind, form, thing, values, then });

const kusto = (
  kind: string,
  form: string,
  thing: readonly [string, string] | undefined,
  values: Values,
  then: Then,
): AdministrationStep => ({
  ...{ kind, form, values, then, isExtension: true },
  ...(thing === undefined ? {} : { thing }),
});
