import { az } from '../commands.ts';
import { microsoftManaged, verify } from '../verify.ts';
import type { Check } from '../verify.ts';
import { sameText, sameVaultUri } from '../resource-id.ts';
import type { FleetCluster, FleetKey, KeyView } from './fleet-facts.ts';
import type { FleetPolicy } from './fleet-policy.ts';

export type Severity = 'high' | 'medium' | 'low' | 'note';

/** What a rule found, in words; a rule that finds nothing says nothing. */
interface Found {
  readonly message: string;
  readonly remedy?: string;
  /** When it is another than the rule's. */
  readonly severity?: Severity;
}

export interface FleetRule {
  readonly id: string;
  /** What holds where all is well. */
  readonly title: string;
  /** What is a finding, said after "Finds". */
  readonly finds: string;
  readonly severity: Severity;
  readonly ofCluster?: (cluster: FleetCluster, policy: FleetPolicy) => readonly Found[];
  /** Of each key of the cluster and of its databases. */
  readonly ofKey?: (key: FleetKey, policy: FleetPolicy, now: Date) => readonly Found[];
}

const none: readonly Found[] = [];
const when = (isSo: boolean, message: string, remedy?: string): readonly Found[] =>
  isSo ? [{ message, ...(remedy === undefined ? {} : { remedy }) }] : none;

/** A check of `kustody cmk verify` that is not well. What could not be looked at, since an earlier one failed, is no finding of its own. */
const ofChecks =
  (ids: readonly Check['id'][], days: (policy: FleetPolicy) => number = () => 0) =>
  ({ view }: FleetKey, policy: FleetPolicy, now: Date): readonly Found[] =>
    checksOf(view, days(policy), now)
      .filter(({ id, ok, found }) => ids.includes(id) && !ok && found !== '')
      .map(({ title, found, note, remedy }) => ({
        message: `Not so: ${title}. Found: ${found}.${note === undefined ? '' : ` ${note}`}`,
        ...(remedy === undefined ? {} : { remedy }),
      }));

const checksOf = (view: KeyView | undefined, warnDays: number, now: Date): readonly Check[] =>
  view === undefined ? [] : verify({ target: view.target, facts: view.facts, now, warnDays });

const keyRef = ({ target }: KeyView) => ({ vault: target.vault.name, key: target.keyName });

const rotationSeverity = ({ rotationRequired }: FleetPolicy): Severity => (rotationRequired ? 'medium' : 'low');

/** One row a rule, the gravest first. What they say of Azure's own language of policies is in policy-definitions.ts. */
export const fleetRules: readonly FleetRule[] = [
  {
    id: 'cluster-runs',
    title: 'A cluster runs, and its last change succeeded',
    finds: 'a cluster that does not run, or whose last change failed; a stopped one is none',
    severity: 'high',
    ofCluster: ({ cluster }) => {
      const { state, provisioningState, stateReason } = cluster;
      const isWell = sameText(state, 'Running') && sameText(provisioningState, 'Succeeded');
      // Whoever stopped a cluster knows it.
      if (isWell || sameText(state, 'Stopped')) return none;
      return when(
        true,
        `${state}, provisioningState ${provisioningState}. ${stateReason}`.trim(),
        az.showCluster(cluster),
      );
    },
  },
  {
    id: 'customer-managed-key',
    title: microsoftManaged.title,
    finds: 'a cluster under a Microsoft-managed key',
    severity: 'high',
    ofCluster: ({ cluster }, { customerManagedKeyRequired }) =>
      when(
        customerManagedKeyRequired && cluster.key === undefined,
        'The cluster is under a Microsoft-managed key.',
        `kustody cmk plan --cluster-id ${cluster.id} --vault VAULT --key KEY`,
      ),
  },
  {
    id: 'key-reachable',
    title: 'The vault and the key are there, and the cluster can use them',
    finds: 'identity, vault or key that are not there, or that the cluster cannot use',
    severity: 'high',
    ofKey: (key, policy, now) =>
      isUnseen(key) ? [unseen(key)] : ofChecks(['identity', 'vault', 'key'])(key, policy, now),
  },
  {
    id: 'identity-rights',
    title: 'The identity may get, wrapKey and unwrapKey',
    finds: 'an identity that lacks get, wrapKey or unwrapKey',
    severity: 'high',
    ofKey: ofChecks(['permissions']),
  },
  {
    id: 'vault-protection',
    title: 'The vault has soft delete and purge protection',
    finds: 'a vault without soft delete or purge protection',
    severity: 'high',
    ofKey: ofChecks(['softDelete', 'purgeProtection']),
  },
  {
    id: 'vault-allowed',
    title: 'The key lies in a vault that the policy allows',
    finds: 'a vault that the policy does not list',
    severity: 'high',
    ofKey: ({ key, view }, { allowedVaults }) => {
      const vault = view?.facts.vault;
      const own = [key.keyVaultUri, vault?.id ?? '', view?.target.vault.name ?? ''];
      const isAllowed = allowedVaults.some((allowed) => own.some((one) => sameVaultUri(allowed, one)));
      return when(
        allowedVaults.length > 0 && !isAllowed,
        `${key.keyVaultUri} is none of the ${allowedVaults.length} vaults that are allowed.`,
      );
    },
  },
  {
    id: 'key-expiry',
    title: 'The key does not expire soon',
    finds: 'a version that expires sooner than the policy asks',
    severity: 'medium',
    ofKey: ofChecks(['expiry'], ({ daysBeforeExpiry }) => daysBeforeExpiry),
  },
  {
    id: 'key-expires',
    title: 'A version of a key expires once',
    finds: 'a version that never expires, where the policy asks for an end',
    severity: 'low',
    ofKey: ({ view }, { expiryRequired }) =>
      when(
        expiryRequired && view?.facts.key.outcome === 'found' && view.facts.key.key.expiresOn === undefined,
        'The version has no expiry.',
      ),
  },
  {
    id: 'key-size',
    title: 'The key is as long as the policy asks',
    finds: 'a key of fewer bits than the policy asks',
    severity: 'medium',
    ofKey: ({ view }, { minimumKeySizeBits }) => {
      const sizeBits = view?.facts.key.outcome === 'found' ? view.facts.key.key.sizeBits : undefined;
      return when(
        sizeBits !== undefined && sizeBits < minimumKeySizeBits,
        `${sizeBits ?? 0} bits, fewer than ${minimumKeySizeBits}.`,
        view === undefined ? undefined : az.createKey(keyRef(view), minimumKeySizeBits),
      );
    },
  },
  {
    id: 'newest-version',
    title: 'A cluster that names a version names the newest',
    finds: 'a cluster that names a version which is not the newest',
    severity: 'medium',
    ofKey: ({ key, view }) => {
      const newest = view?.newest.outcome === 'found' ? view.newest.key.version : undefined;
      const isOld = key.keyVersion !== undefined && newest !== undefined && !sameText(newest, key.keyVersion);
      return when(
        isOld,
        `In use is ${key.keyVersion ?? ''}, the newest is ${newest ?? ''}.`,
        view && rotateCommand(view),
      );
    },
  },
  {
    id: 'rotation',
    title: 'The vault rotates the key, and the cluster follows',
    finds: 'a key that nobody rotates, or whose rotations the cluster does not follow',
    severity: 'low',
    ofKey: ({ key, view }, policy) => {
      if (view?.rotation.outcome !== 'read') return none;
      const severity = rotationSeverity(policy);
      const { rotates } = view.rotation.value;
      if (!rotates) return [{ severity, message: 'The rotation policy of the key makes no new versions.' }];
      return key.keyVersion === undefined
        ? none
        : [{ severity, message: 'The vault rotates the key, but the cluster names a version: it does not follow.' }];
    },
  },
  {
    id: 'vault-retention',
    title: 'The vault keeps what is deleted as long as the policy asks',
    finds: 'a vault that keeps what is deleted for fewer days than the policy asks',
    severity: 'medium',
    ofKey: ({ view }, { minimumRetentionDays }) => {
      const days = view?.facts.vault?.retentionDays;
      return when(
        days !== undefined && days < minimumRetentionDays,
        `${days ?? 0} days, fewer than ${minimumRetentionDays}. It cannot be changed on a vault that is there.`,
      );
    },
  },
  {
    id: 'vault-network',
    title: 'The vault is not open to every network, and lets the cluster through',
    finds: 'a vault that is open to every network, or closed to trusted services',
    severity: 'low',
    ofKey: ({ view }) => {
      const vault = view?.facts.vault;
      if (vault === undefined) return none;
      const remedy = az.networkRules(vault.name);
      if (vault.publicAccess && !vault.firewallDenies)
        return [{ message: 'The vault takes requests from every network.', remedy }];
      return vault.trustedServices
        ? none
        : [
            {
              severity: 'medium',
              message: 'The vault lets no trusted services through: see that the cluster reaches it.',
              remedy,
            },
          ];
    },
  },
  {
    id: 'disk-encryption',
    title: 'Disk encryption is on',
    finds: 'a cluster without disk encryption, where the policy asks for it',
    severity: 'medium',
    ofCluster: ({ cluster, diskEncryption }, { diskEncryptionRequired }) =>
      when(
        diskEncryptionRequired && !diskEncryption,
        'Disk encryption is off.',
        `${az.showCluster(cluster).replace(' show ', ' update ')} --enable-disk-encryption true`,
      ),
  },
  {
    id: 'double-encryption',
    title: 'Double encryption is on',
    finds: 'a cluster without double encryption, where the policy asks for it',
    severity: 'medium',
    ofCluster: ({ doubleEncryption }, { doubleEncryptionRequired }) =>
      when(
        doubleEncryptionRequired && !doubleEncryption,
        'Double encryption is off. It can only be turned on when a cluster is made.',
      ),
  },
  {
    id: 'diagnostic-settings',
    title: 'Cluster and vault send their events somewhere',
    finds: 'a cluster or a vault that sends its events nowhere',
    severity: 'low',
    ofCluster: ({ diagnosticSettings }, { diagnosticSettingsRequired }) =>
      when(
        diagnosticSettingsRequired && diagnosticSettings.outcome === 'read' && diagnosticSettings.value.length === 0,
        'The cluster has no diagnostic settings.',
      ),
    ofKey: ({ view }, { diagnosticSettingsRequired }) =>
      when(
        diagnosticSettingsRequired &&
          view?.vaultDiagnosticSettings.outcome === 'read' &&
          view.vaultDiagnosticSettings.value.length === 0,
        'The vault has no diagnostic settings: nobody can say later who used the key.',
      ),
  },
  {
    id: 'followers',
    title: 'Who falls with the key is known',
    finds: 'a cluster that is suspended together with the one that it follows',
    severity: 'note',
    ofCluster: ({ cluster, followers }) =>
      cluster.key === undefined || followers.outcome !== 'read'
        ? none
        : followers.value.map(({ clusterId, database }) => ({
            message: `${clusterId} follows ${database === '*' ? 'every database' : `database '${database}'`}, and is suspended with this cluster.`,
          })),
  },
  {
    id: 'readable',
    title: 'Everything could be looked at',
    finds: 'what the caller may not read, so that no rule could look at it',
    severity: 'note',
    ofCluster: ({ databases, followers, diagnosticSettings }) =>
      Object.entries({ databases, followers, 'diagnostic settings': diagnosticSettings }).flatMap(([what, reading]) =>
        reading.outcome === 'refused' ? [{ message: `Not readable: ${what}. ${reading.message}` }] : none,
      ),
    ofKey: ({ problem, view }) => [
      ...when(problem !== undefined, `Not readable: the key. ${problem ?? ''}`),
      ...(view?.facts.vault === undefined
        ? none
        : Object.entries({
            'rotation policy': view.rotation,
            'diagnostic settings of the vault': view.vaultDiagnosticSettings,
          }).flatMap(([what, reading]) =>
            reading.outcome === 'refused' ? [{ message: `Not readable: ${what}. ${reading.message}` }] : none,
          )),
    ],
  },
];

/** Neither there nor deleted: it may be in a subscription that was not looked at. */
const isUnseen = ({ view }: FleetKey): boolean =>
  view?.facts.vault === undefined && view?.facts.vaultIsDeleted === false;

const unseen = ({ key }: FleetKey): Found => ({
  severity: 'medium',
  message: `No vault ${key.keyVaultUri} is seen in these subscriptions. Name the one that it is in as well, or give --all.`,
});

const rotateCommand = ({ target }: KeyView): string => `kustody cmk rotate --cluster-id ${target.cluster.id}`;
