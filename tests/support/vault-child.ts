import { encodeToken, startVaultFixture } from './vault-fixture.ts';

/** What the parent needs to call the vault `testvault`. */
export interface VaultChild {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/** A vault in a process of its own, for tests that look at what stays in its memory. */
const vault = await startVaultFixture();
vault.addVault('testvault');
const { port, ca } = vault.listener;
const token = encodeToken({ audience: 'https://vault.azure.net', caller: vault.caller });
process.send?.({ port, ca, token } satisfies VaultChild);
process.on('disconnect', () => process.exit());
