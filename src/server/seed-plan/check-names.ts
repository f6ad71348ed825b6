import { nearest } from '../../base/edit-distance.ts';
import { variableStem } from '../principal-variables.ts';
import type { Problem } from './check-shape.ts';
import { hasOwnIdentity, namesOf, parseScope, principalNames, scopeForms } from './references.ts';
import type { ClusterEntry, PlanPath, RoleEntry, SeedDocument } from './schema.ts';
import { isClusterRole, isKustoRole } from './schema.ts';

/** Names are there once, and what is referred to is there.
 * @throws SeedFilesError at the first that is not */
export function checkNames(document: SeedDocument, problem: Problem): void {
  const { principals = {}, vaults = [], clusters = [], roles = [] } = document;
  const { users = [], servicePrincipals = [], managedIdentities = [], groups = [] } = principals;
  const principalKinds = { users, servicePrincipals, managedIdentities, groups };

  const seen = new Set<string>();
  const stems = new Set<string>();
  for (const [kind, entries] of Object.entries(principalKinds)) {
    requireUnique(entries, ['principals', kind], seen);
    entries.forEach(({ name }, index) => {
      const stem = variableStem(name);
      if (stems.has(stem))
        throw problem(['principals', kind, index, 'name'], `its variables are called ${stem}_… as those of another.`);
      stems.add(stem);
    });
  }
  requireUnique(vaults, ['vaults']);
  vaults.forEach(({ keys = [] }, index) => requireUnique(keys, ['vaults', index, 'keys']));
  requireUnique(clusters, ['clusters']);
  clusters.forEach(({ databases = [] }, index) => requireUnique(databases, ['clusters', index, 'databases']));

  const known = principalNames(document);
  groups.forEach(({ members = [] }, index) =>
    members.forEach((member, at) =>
      requireOne(member, known, ['principals', 'groups', index, 'members', at], 'principal'),
    ),
  );
  vaults.forEach(({ accessPolicies = [], enableRbacAuthorization = true }, index) => {
    const path = ['vaults', index, 'accessPolicies'];
    if (enableRbacAuthorization && accessPolicies.length > 0)
      throw problem(path, 'count only in a vault with enableRbacAuthorization: false.');
    accessPolicies.forEach(({ principal }, at) =>
      requireOne(principal, known, [...path, at, 'principal'], 'principal'),
    );
  });
  clusters.forEach((cluster, index) => checkCluster(cluster, ['clusters', index]));
  roles.forEach((role, index) => checkRole(role, ['roles', index]));

  /** Azure compares names without case. @param taken by entries before */
  function requireUnique(
    entries: readonly { readonly name: string }[],
    path: PlanPath,
    taken = new Set<string>(),
  ): void {
    entries.forEach(({ name }, index) => {
      if (taken.has(name.toLowerCase())) throw problem([...path, index, 'name'], `'${name}' is there already.`);
      taken.add(name.toLowerCase());
    });
  }

  function requireOne(name: string, names: readonly string[], path: PlanPath, what: string): void {
    if (names.includes(name)) return;
    const near = names.length === 0 ? 'There are none.' : `Near it: ${nearest(name, names, 3).join(', ')}.`;
    throw problem(path, `there is no ${what} '${name}' in this file. ${near}`);
  }

  function checkCluster(cluster: ClusterEntry, path: PlanPath): void {
    const { key, managedIdentities: assigned = [] } = cluster;
    assigned.forEach((name, at) =>
      requireOne(name, namesOf(managedIdentities), [...path, 'managedIdentities', at], 'managed identity'),
    );
    if (key === undefined) return;
    requireOne(key.vault, namesOf(vaults), [...path, 'key', 'vault'], 'vault');
    const keys = namesOf(vaults.find(({ name }) => name === key.vault)?.keys);
    requireOne(key.name, keys, [...path, 'key', 'name'], `key of vault ${key.vault}`);
    if (key.managedIdentity !== undefined && !assigned.includes(key.managedIdentity))
      throw problem([...path, 'key', 'managedIdentity'], 'is none of the managedIdentities of the cluster.');
    if (key.managedIdentity === undefined && !hasOwnIdentity(cluster))
      throw problem([...path, 'key'], 'the cluster has no system-assigned identity: name a managedIdentity.');
  }

  function checkRole({ principal, role, scope }: RoleEntry, path: PlanPath): void {
    requireOne(principal, known, [...path, 'principal'], 'principal');
    const parsed = parseScope(scope);
    const at = [...path, 'scope'];
    if (parsed === undefined)
      throw problem(at, `'${scope}' is no scope. There are: ${scopeForms.map(([form]) => form).join(', ')}.`);
    if (parsed.kind === 'managedIdentity') requireOne(parsed.name, namesOf(managedIdentities), at, 'managed identity');
    if (parsed.kind === 'vault') {
      requireOne(parsed.vault, namesOf(vaults), at, 'vault');
      const keys = namesOf(vaults.find(({ name }) => name === parsed.vault)?.keys);
      if (parsed.key !== undefined) requireOne(parsed.key, keys, at, `key of vault ${parsed.vault}`);
    }
    if (parsed.kind === 'cluster') {
      requireOne(parsed.cluster, namesOf(clusters), at, 'cluster');
      const databases = namesOf(clusters.find(({ name }) => name === parsed.cluster)?.databases);
      if (parsed.database !== undefined)
        requireOne(parsed.database, databases, at, `database of cluster ${parsed.cluster}`);
    }
    if (!isKustoRole(role)) return;
    const wanted = isClusterRole(role) ? 'clusters/CLUSTER' : 'clusters/CLUSTER/databases/DATABASE';
    if (parsed.kind !== 'cluster' || (parsed.database === undefined) !== isClusterRole(role))
      throw problem(at, `role ${role} is given on ${wanted}.`);
  }
}
