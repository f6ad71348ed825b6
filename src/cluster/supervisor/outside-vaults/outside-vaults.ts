import type { Guid } from '../../../base/guid.ts';
import type { HostName } from '../../../base/names.ts';
import type { TokenAnswer, TokenTarget } from '../../messages/vault-calls.ts';
import type { HostResolution } from '../ports.ts';
import { accountToken } from './account-token.ts';
import type { OutsideVault, VaultAccount } from './outside-vault.ts';
import { isAuthorityOf } from './outside-vault.ts';

export interface OutsideVaultsOptions {
  /** A host may stand here several times, with accounts for different identities. */
  readonly vaults: readonly OutsideVault[];
  /** An identity of this Kustody; undefined when it is gone. */
  readonly findIdentity: (
    identity: Guid,
  ) => Promise<{ readonly resourceId: string | undefined; readonly enabled: boolean } | undefined>;
  /** For the whole of getting a token. */
  readonly timeoutMs: number;
}

/** The vaults outside of Kustody that the operator named. */
export interface OutsideVaults {
  /** @returns undefined for a host that nobody named */
  resolve(host: HostName): Extract<HostResolution, { where: 'outside' }> | undefined;
  /** Whom the vault sees when a cluster comes as `identity`. */
  accountOf(host: HostName, identity: Guid): Promise<VaultAccount | undefined>;
}

export function createOutsideVaults(options: OutsideVaultsOptions): OutsideVaults {
  const named = (host: HostName): readonly OutsideVault[] => options.vaults.filter((vault) => vault.host === host);

  /** The account that names the identity, else the one that stands for all the others. */
  const chosen = (host: HostName, resourceId: string | undefined): OutsideVault | undefined => {
    const known = named(host);
    const own = known.find(({ account }) => account.identities?.includes(resourceId?.toLowerCase() ?? '') === true);
    return own ?? known.find(({ account }) => account.identities === undefined);
  };

  const mintToken = async (host: HostName, identity: Guid, target: TokenTarget): Promise<TokenAnswer> => {
    const found = await options.findIdentity(identity);
    if (found?.enabled !== true) {
      return { outcome: 'refused', reason: `There is no principal ${identity} that could go to vault ${host}.` };
    }
    const vault = chosen(host, found.resourceId);
    if (vault === undefined) {
      return refused(`No credential of vault ${host} stands for the identity ${found.resourceId ?? identity}.`);
    }
    if (!isAuthorityOf(vault.account, target.authority)) {
      const { authorityHost, tenantId } = vault.account;
      return refused(
        `Vault ${host} believes the authority ${target.authority ?? '(it names none)'}, and its credential is one of https://${authorityHost}/${tenantId}. It was shown to neither.`,
      );
    }
    if (target.audience !== `https://${host.slice(host.indexOf('.') + 1)}`) {
      return refused(`Vault ${host} asks for a token of ${target.audience}, which is not what vaults are.`);
    }
    return accountToken(vault, target.audience, options.timeoutMs);
  };

  return {
    resolve(host) {
      const [first] = named(host);
      if (first === undefined) return undefined;
      return { where: 'outside', route: first.route, mintToken: (...call) => mintToken(host, ...call) };
    },
    async accountOf(host, identity) {
      return chosen(host, (await options.findIdentity(identity))?.resourceId)?.account;
    },
  };
}

const refused = (reason: string): TokenAnswer => ({ outcome: 'refused', cause: 'credentialRefused', reason });
