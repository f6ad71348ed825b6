import { generateKeyPairSync } from 'node:crypto';
import { RsaThreads } from '../../src/vault/rsa/rsa-threads.ts';
import { encodeToken, startVaultFixture } from './vault-fixture.ts';

/** What the parent needs to call the vault `testvault`. */
export interface VaultChild {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/** A vault in a process of its own, for tests that look at what stays in its memory. */
const [, , rsaThread = ''] = process.argv;
const rsaThreads = new RsaThreads(rsaThread);
// Two at once: from now on all is done in threads.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
await Promise.all([1, 2].map(() => rsaThreads.decrypt(privateKey, 'sha256', Buffer.alloc(256))));
const vault = await startVaultFixture({ rsaThreads });
vault.addVault('testvault');
const { port, ca } = vault.listener;
const token = encodeToken({ audience: 'https://vault.azure.net', caller: vault.caller });
process.send?.({ port, ca, token } satisfies VaultChild);
process.on('disconnect', () => process.exit());
