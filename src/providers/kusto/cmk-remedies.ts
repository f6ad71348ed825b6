import type { ArmErrorDetail } from '../../arm/arm-error.ts';
import type { CurrentKeyLost, CustomerKey, KeyPreflight } from '../../encryption/cluster-keys.ts';
import type { KeyFailure, KeyFailureCause } from '../../encryption/key-wrapper.ts';
import type { OutsideAccount } from './ports.ts';

/** A key, with whom its vault sees when the cluster comes: for a vault outside of Kustody an application of its own tenant. */
export type SeenKey = CustomerKey & { readonly account?: OutsideAccount };

type Problem = Exclude<KeyPreflight, { readonly outcome: 'usable' }>;

const vaultName = (key: { readonly vaultHost: string }): string => key.vaultHost.split('.')[0] ?? key.vaultHost;
const isoOf = (unixSeconds: number | undefined): string =>
  unixSeconds === undefined ? 'a date that the vault does not tell' : new Date(unixSeconds * 1000).toISOString();

const cause = (code: string, message: string): ArmErrorDetail => ({ code, message, target: 'keyVaultProperties' });
const remedy = (message: string): ArmErrorDetail => ({ code: 'Remedy', message });

/** The exact cause first, then what to do: the real service is silent about both, and that is what its users complain of most. */
export function preflightDetails(key: SeenKey, problem: Problem): readonly ArmErrorDetail[] {
  switch (problem.outcome) {
    case 'vaultNotFound':
      return problem.why === 'noSuchHost'
        ? [
            cause(
              'NoSuchHost',
              `There is no vault under the name ${key.vaultHost}. A deleted vault has no name either, until it is recovered.`,
            ),
            remedy(
              'Check keyVaultUri for spelling; create the vault, or recover it if it was deleted. A vault outside of Kustody must be named when Kustody starts (--vault HOST=…).',
            ),
          ]
        : [
            cause(
              'OtherRegion',
              `The vault is in region '${problem.found ?? 'unknown'}', not in the region of the cluster.`,
            ),
            remedy('Use a vault in the region of the cluster. It may be in another subscription.'),
          ];
    case 'noAccess':
      return accessDetails(key, problem.failure, problem.operation);
    case 'keyNotFound':
      return [
        cause(
          'KeyNotFound',
          `The vault has no such key${key.keyVersion === undefined ? '' : ` with version ${key.keyVersion}`}. ${problem.failure.message}`.trim(),
        ),
        remedy('Check keyName and keyVersion; create the key, or recover it if it was deleted.'),
      ];
    case 'softDeleteOff':
      return [
        cause('SoftDeleteOff', 'The vault deletes its keys at once, without a way back: soft delete is off.'),
        remedy(
          `az keyvault update --name ${vaultName(key)} --set properties.enableSoftDelete=true --enable-purge-protection true`,
        ),
      ];
    case 'purgeProtectionOff':
      return [
        cause(
          'PurgeProtectionOff',
          'Deleted keys of the vault can be purged before their retention is over: purge protection is off.',
        ),
        remedy(`az keyvault update --name ${vaultName(key)} --enable-purge-protection true (this cannot be undone)`),
      ];
    case 'wrongType':
      return [
        cause(
          'WrongKeyType',
          `The key is of type ${problem.found}; a cluster can use RSA keys of 2048, 3072 and 4096 bits.`,
        ),
        remedy(`az keyvault key create --vault-name ${vaultName(key)} --name NAME --kty RSA --size 2048`),
      ];
    case 'notUsableNow':
      return [cause(...notUsable[problem.why](problem.at)), remedy(usableAgain[problem.why](key))];
    case 'unavailable':
      return failureDetails(problem.failure);
  }
}

type NotUsable = Extract<Problem, { readonly outcome: 'notUsableNow' }>['why'];

const notUsable = {
  disabled: () => ['KeyDisabled', 'The key is disabled.'],
  expired: (at) => ['KeyExpired', `The key expired at ${isoOf(at)}.`],
  notYetValid: (at) => ['KeyNotYetValid', `The key becomes valid at ${isoOf(at)}.`],
} as const satisfies Record<NotUsable, (at: number | undefined) => readonly [string, string]>;

const attributesCommand = (key: SeenKey, change: string): string =>
  `az keyvault key set-attributes --vault-name ${vaultName(key)} --name ${key.keyName} ${change}`;

const usableAgain: Record<NotUsable, (key: SeenKey) => string> = {
  disabled: (key) => attributesCommand(key, '--enabled true'),
  expired: (key) => `Create a new version of the key, or move its date: ${attributesCommand(key, '--expires DATE')}`,
  notYetValid: (key) => attributesCommand(key, '--not-before DATE'),
};

const grantPolicy = ({ account, ...key }: SeenKey): string =>
  `az keyvault set-policy --name ${vaultName(key)} ${account === undefined ? `--object-id ${key.identity}` : `--spn ${account.clientId}`} --key-permissions get wrapKey unwrapKey`;
const grantRole = ({ account, identity }: SeenKey): string =>
  `az role assignment create --role "Key Vault Crypto Service Encryption User" ${account === undefined ? `--assignee-object-id ${identity} --assignee-principal-type ServicePrincipal` : `--assignee ${account.clientId}`} --scope VAULT_RESOURCE_ID`;
const grantEither = (key: SeenKey): string =>
  `With access policies: ${grantPolicy(key)}. With roles: ${grantRole(key)}`;
const tryAgain = (): string => 'Nothing is known about the key. Check that the vault can be reached and try again.';

/** What helps against each cause; a new cause must name its remedy here. */
const remedies: Record<KeyFailureCause, (key: SeenKey) => string> = {
  noSuchHost: () => 'Check keyVaultUri; create the vault, or recover it if it was deleted.',
  noIdentity: () =>
    'Assign an identity to the cluster (identity.type SystemAssigned, or a user-assigned one named in userIdentity), then grant it access.',
  credentialRefused: (key) =>
    `Mend the credential of ${key.vaultHost} that was given to Kustody with --vault (tenant, application, secret or certificate, identities), and start it again.`,
  unauthorized: grantEither,
  forbiddenByPolicy: grantPolicy,
  forbiddenByRbac: grantRole,
  forbiddenByFirewall: (key) =>
    `Let the cluster through the firewall of the vault: az keyvault update --name ${vaultName(key)} --default-action Allow`,
  forbidden: grantEither,
  keyDisabled: usableAgain.disabled,
  keyExpired: usableAgain.expired,
  keyNotYetValid: usableAgain.notYetValid,
  keyOperationForbidden: (key) => attributesCommand(key, '--ops wrapKey unwrapKey'),
  keyNotFound: () => 'Check keyName and keyVersion; create the key, or recover it if it was deleted.',
  throttled: tryAgain,
  serverError: tryAgain,
  unreachable: tryAgain,
  timeout: tryAgain,
  badRequest: () => 'Check that the key is an RSA key and that its operations include wrapKey and unwrapKey.',
  wrongLength: () =>
    'The vault gave an answer of the wrong length. The key or the vault is not what it seems to be; nothing was changed.',
  mismatch: () =>
    'The vault unwrapped other bytes than were wrapped. The key or the vault is not what it seems to be; nothing was changed.',
  unknown: tryAgain,
};

/** @param operation what was tried; absent when it is part of a change whose steps the caller does not see */
export function accessDetails(
  key: SeenKey,
  failure: KeyFailure,
  operation?: 'get' | 'wrapKey' | 'unwrapKey',
): readonly ArmErrorDetail[] {
  const who = key.userIdentity === undefined ? 'system-assigned identity' : `identity ${key.userIdentity}`;
  const tried = operation === undefined ? '' : ` The key permission that is missing or has no effect: '${operation}'.`;
  const seen =
    key.account === undefined
      ? `(object id ${key.identity})`
      : `(application ${key.account.clientId} of tenant ${key.account.tenantId} there)`;
  return [
    cause(
      codeOf(failure),
      `The cluster went to the vault as its ${who} ${seen}.${tried} The vault said: ${failure.message}`,
    ),
    remedy(remedies[failure.cause](key)),
  ];
}

export const failureDetails = (failure: KeyFailure): readonly ArmErrorDetail[] => [
  cause(codeOf(failure), failure.message),
  remedy(tryAgain()),
];

export function lostKeyDetails(lost: CurrentKeyLost): readonly ArmErrorDetail[] {
  return [
    cause(
      'CurrentKeyDoesNotUnwrap',
      `The data of the cluster is under key '${lost.keyName}' in KeyVault '${lost.vaultUri}', and that key does not unwrap now (${lost.failure.message}). A change starts from the current key, so none is possible.`,
    ),
    remedy(
      `Give the cluster access to key '${lost.keyName}' in KeyVault '${lost.vaultUri}' again (recover, enable or grant it), then repeat the change. What is possible meanwhile: start, delete, and another identity with the same key.`,
    ),
  ];
}

const codeOf = (failure: KeyFailure): string => `${failure.cause.slice(0, 1).toUpperCase()}${failure.cause.slice(1)}`;
