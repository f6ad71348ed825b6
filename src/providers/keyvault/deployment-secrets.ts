import { ArmError } from '../../arm/arm-error.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import type { Caller } from '../../authz/caller.ts';
import type { Authorizer } from '../../authz/role-assignments.ts';
import { parseVaultName } from '../../base/names.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import type { Vault } from './vault-record.ts';
import { asVault } from './vault-record.ts';

/** A secret that a parameter of a deployment refers to. */
interface SecretReference {
  readonly parameter: string;
  readonly vaultId: string;
  readonly secretName: string;
  /** The current one unless given. */
  readonly secretVersion?: string;
  readonly caller: Caller;
  readonly correlationId: string;
}

type ReadSecret = (reference: SecretReference) => Promise<string>;

const help = 'Please see https://aka.ms/arm-keyvault for usage details.';
const deployAction = 'Microsoft.KeyVault/vaults/deploy/action';

/** Reads secrets for deployments: the vault says that templates may have them (`enabledForTemplateDeployment`) and lets the services of
 * Azure through its firewall, and the caller has the action `deploy` on it. Nothing is said of a vault to whom that is not given.
 * @throws ArmError `KeyVaultParameterReference…` */
export function createDeploymentSecrets(
  deps: Pick<KeyVaultDependencies, 'state' | 'manageVault'> & { readonly authorizer: Authorizer },
): ReadSecret {
  return async (reference) => {
    const { vaultId, caller, correlationId, secretName, secretVersion } = reference;
    const { allowed } = await deps.authorizer.decide(caller, 'action', deployAction, vaultId);
    if (!allowed) throw notAllowed(caller, vaultId);
    const record = await deps.state.get(armResources, resourceRecordId(vaultId));
    const vault = record === undefined ? undefined : asVault(record.value);
    const name = vault === undefined ? undefined : parseVaultName(vault.name.toLowerCase());
    if (vault === undefined || name === undefined)
      throw new ArmError(
        400,
        'KeyVaultParameterReferenceNotFound',
        `The specified KeyVault '${vaultId}' could not be found. ${help}`,
      );
    requireOpen(vault, reference);
    try {
      const version = secretVersion === undefined ? {} : { version: secretVersion };
      const asked = { operation: 'GetSecret', name: secretName, ...version };
      const secret = await deps.manageVault({ vault: name, caller, correlationId, ...asked });
      return typeof secret['value'] === 'string' ? secret['value'] : '';
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      throw notRetrieved(reference, error.status === 404 ? 'NotFound' : 'Forbidden', error.message);
    }
  };
}

function requireOpen({ properties }: Vault, reference: SecretReference): void {
  const { enabledForTemplateDeployment, publicNetworkAccess, networkAcls } = properties;
  if (enabledForTemplateDeployment !== true)
    throw notRetrieved(reference, 'Forbidden', 'Access denied to first party service.');
  const isClosed = publicNetworkAccess === 'Disabled' || networkAcls?.defaultAction === 'Deny';
  if (isClosed && networkAcls?.bypass === 'None')
    throw notRetrieved(reference, 'Forbidden', 'Client address is not authorized and caller is not a trusted service.');
}

const notAllowed = (caller: Caller, vaultId: string): ArmError =>
  new ArmError(
    403,
    'KeyVaultParameterReferenceAuthorizationFailed',
    `The client '${caller.user?.principalName ?? caller.appId ?? caller.objectId}' with object id '${caller.objectId}' does not have permission to perform action '${deployAction.toUpperCase()}' on the specified KeyVault resource '${vaultId}'. ${help}`,
  );

const notRetrieved = ({ parameter }: SecretReference, status: string, message: string): ArmError =>
  new ArmError(
    400,
    'KeyVaultParameterReferenceSecretRetrieveFailed',
    `The secret of KeyVault parameter '${parameter}' cannot be retrieved. Http status code: '${status}'. Error message: '${message}'. ${help}`,
  );
