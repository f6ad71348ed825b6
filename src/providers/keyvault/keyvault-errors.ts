import { ArmError } from '../../arm/arm-error.ts';

const row =
  <Values extends readonly unknown[]>(status: number, code: string, text: (...values: Values) => string) =>
  (...values: Values): ArmError =>
    new ArmError(status, code, text(...values));

/** The page that Azure names in its own texts about names in deleted state. */
const softDeletePage = 'https://go.microsoft.com/fwlink/?linkid=2149745';

/** Answers of Microsoft.KeyVault. `recorded`: seen in recorded traffic; `quoted`: in public issues; `documented`; the others are ours, as
 * nothing public has them. */
export const keyVaultErrors = {
  /** Recorded. The name is held by a deleted vault of the same subscription. */
  ConflictError: row(
    409,
    'ConflictError',
    () =>
      'A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. ' +
      `Follow this link ${softDeletePage} for more information on soft delete.`,
  ),
  /** Recorded, spelling included. The name is held by somebody else's vault, live or deleted. */
  VaultAlreadyExists: row(409, 'VaultAlreadyExists', (name: string) => vaultAlreadyExistsText(name)),
  /** Recorded. */
  PurgeProtectionCannotBeFalse: row(
    400,
    'BadRequest',
    () =>
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
  ),
  SoftDeleteCannotBeFalse: row(
    400,
    'BadRequest',
    () =>
      `The property "enableSoftDelete" cannot be set to false. Enabling the 'soft delete' functionality is an irreversible action.`,
  ),
  RetentionCannotChange: row(
    400,
    'BadRequest',
    () => `The property "softDeleteRetentionInDays" has been set already and it can't be modified.`,
  ),
  RetentionWithoutSoftDelete: row(
    400,
    'BadRequest',
    () => 'The property "softDeleteRetentionInDays" can be set only when the property "enableSoftDelete" is true.',
  ),
  RetentionOutOfRange: row(
    400,
    'BadRequest',
    () => 'The property "softDeleteRetentionInDays" must be between 7 and 90.',
  ),
  PurgeProtectionNeedsSoftDelete: row(
    400,
    'BadRequest',
    () => 'The property "enablePurgeProtection" can be set to true only when the property "enableSoftDelete" is true.',
  ),
  /** Documented. */
  VaultNameNotValid: row(400, 'VaultNameNotValid', () => vaultNameNotValidText),
  /** Quoted, for whatever is wrong in a policy. */
  InvalidAccessPolicies: row(400, 'BadRequest', () => "An invalid value was provided for 'accessPolicies'."),
  AccessPoliciesRequired: row(400, 'BadRequest', () => "The parameter 'accessPolicies' is required."),
  TooManyAccessPolicies: row(400, 'BadRequest', (most: number) => `A vault can have at most ${most} access policies.`),
  InvalidValue: row(400, 'BadRequest', (property: string) => `An invalid value was provided for '${property}'.`),
  Required: row(400, 'BadRequest', (property: string) => `The parameter '${property}' is required.`),
  /** Recorded; the status is inferred. */
  PurgeNotAllowed: row(405, 'MethodNotAllowed', () => "Operation 'DeletedVaultPurge' is not allowed."),
  /** The code is quoted, status and text are not public. */
  SoftDeletedVaultDoesNotExist: row(
    404,
    'SoftDeletedVaultDoesNotExist',
    () =>
      'A soft deleted vault with the given name does not exist. Ensure that the name for the vault that is being attempted to recover is in a recoverable state. ' +
      `For more information on soft delete please follow this link ${softDeletePage}.`,
  ),
  /** Recorded. */
  DeletedVaultNotFound: row(
    404,
    'DeletedVaultNotFound',
    (name: string) =>
      `The specified deleted vault '${name}' does not exist. Ensure that the vault was indeed deleted and that it is in recoverable state. ` +
      'If soft delete was not enabled then the vault is permanently deleted. ' +
      `Follow this link for more information: ${softDeletePage}`,
  ),
} as const;

export const vaultNameNotValidText =
  'The vault name should be string of 3 to 24 characters and can contain only numbers (0-9), letters (a-z, A-Z), and hyphens (-)';

export function vaultAlreadyExistsText(name: string): string {
  return (
    `The vault name '${name}' is already in use. Vault names are globaly unique so it is possible that the name is already taken. ` +
    'If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted ' +
    'but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged ' +
    'before reusing the name. For more information on soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.'
  );
}
