import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import type { ServiceVault } from './ports.ts';
import { identityOf } from './ports.ts';

/** Something that decides whether clusters get their keys, and that has changed. Names and ids without regard to case. */
export type KeyConcern =
  | { readonly kind: 'vault'; readonly host: string }
  /** In any vault: a check too many harms nobody. */
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'principal'; readonly objectId: string }
  /** A role that anybody may have. */
  | { readonly kind: 'role' };

/** Whether a change may take the key away from a cluster, or give it back. */
export function concerns(
  concern: KeyConcern,
  { custody, kid }: Pick<ClusterKeyRecord, 'custody' | 'kid'>,
  serviceVault: ServiceVault,
): boolean {
  switch (concern.kind) {
    case 'vault':
      return isSame(concern.host, kid.vaultHost);
    case 'key':
      return isSame(concern.name, kid.name);
    case 'principal':
      return isSame(concern.objectId, identityOf(custody, serviceVault));
    case 'role':
      return true;
  }
}

const isSame = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
