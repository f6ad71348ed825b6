import type { Guid } from '../../../base/guid.ts';
import type { HostName } from '../../../base/names.ts';
import { parseHostName } from '../../../base/names.ts';
import type { OutsideRoute } from '../../messages/vault-calls.ts';

/** An application of the vault's own tenant, and what it signs in with. */
export interface VaultAccount {
  readonly tenantId: Guid;
  readonly clientId: Guid;
  readonly proof:
    | { readonly kind: 'secret'; readonly secret: string }
    /** PEM: the certificate and its private key. */
    | { readonly kind: 'certificate'; readonly pem: string; readonly password?: string };
  /** The only host that the proof is ever shown to. */
  readonly authorityHost: HostName;
  /** Resource ids of the identities it stands for, lower case: user-assigned ones, or clusters for their system-assigned ones.
   * Undefined: every identity of this Kustody that no other account of the vault stands for. */
  readonly identities?: readonly string[];
}

/** A vault that is none of Kustody's, as the operator named it. */
export interface OutsideVault {
  readonly host: HostName;
  readonly account: VaultAccount;
  /** To the vault and to its authority. */
  readonly route: OutsideRoute;
}

/** In `identities`: the server itself, for its root key. No identity of a cluster is called so. */
export const rootKeyIdentity = 'root-key';

export const defaultAuthorityHost = required(parseHostName('login.microsoftonline.com'));

/** Of the public cloud and the national ones (Key Vault documentation, "DNS suffixes for object identifiers"). */
const vaultDomains = ['.vault.azure.net', '.vault.azure.cn', '.vault.usgovcloudapi.net', '.vault.microsoftazure.de'];

/** @returns undefined for what can be no vault's name: managed HSMs are not built either */
export function parseOutsideHost(text: string): HostName | undefined {
  const host = parseHostName(text);
  return host !== undefined && vaultDomains.some((domain) => host.endsWith(domain)) ? host : undefined;
}

/** Names of one authority: vaults still say the older ones (Entra ID's instance discovery, `aliases`). */
const publicAuthorities: readonly string[] = [
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
];

/** Whether a vault believes the authority and tenant of an account.
 * @param authority as the vault's challenge has it: `https://{host}/{tenant}` */
export function isAuthorityOf({ authorityHost, tenantId }: VaultAccount, authority: string | undefined): boolean {
  const match = /^https:\/\/([^/:?#@]+)\/([^/?#]+)\/?(?:oauth2\/[a-z0-9./]*)?$/i.exec(authority ?? '');
  const host = match?.[1]?.toLowerCase() ?? '';
  const isHost =
    host === authorityHost || (publicAuthorities.includes(host) && publicAuthorities.includes(authorityHost));
  return isHost && match?.[2]?.toLowerCase() === tenantId;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a built-in name is well formed');
  return value;
}
