import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { startKustody } from '../src/testing/testing.ts';
import type { BenchRow } from './row.ts';
import { quantile, timed } from './row.ts';

export const controlRows: readonly BenchRow[] = [
  {
    id: 'unwrap-rest',
    ratio: 'unwrapKey by the official client over HTTPS, p50, over the bare RSA operation',
    rule: 'atMost',
    floor: 20,
    aim: 8,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
      const keys = new KeyClient(k.cluster?.vaultUri ?? '', credential, k.azureOptions);
      const key = await keys.getKey(k.cluster?.keyName ?? '');
      const client = new CryptographyClient(key.id ?? '', credential, k.azureOptions);
      const { result } = await client.wrapKey('RSA-OAEP-256', randomBytes(32));
      const ours: number[] = [];
      for (let index = 0; index < 200; index += 1) {
        ours.push(
          await timed(async () => {
            await client.unwrapKey('RSA-OAEP-256', result);
          }),
        );
      }
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
      const wrapped = publicEncrypt({ key: pair.publicKey, ...padding }, randomBytes(32));
      const bare: number[] = [];
      for (let index = 0; index < 200; index += 1) {
        bare.push(
          await timed(() => {
            privateDecrypt({ key: pair.privateKey, ...padding }, wrapped);
          }),
        );
      }
      const [p50, plain] = [quantile(ours, 0.5), quantile(bare, 0.5)];
      return { ratio: p50 / plain, detail: `${p50.toFixed(2)} ms, bare RSA ${plain.toFixed(2)} ms` };
    },
  },
  {
    id: 'ready',
    ratio: 'startKustody with a cluster under a customer key, warm, over 500 ms',
    rule: 'atMost',
    floor: 2,
    aim: 1,
    run: async () => {
      const times: number[] = [];
      for (let index = 0; index < 4; index += 1) {
        let close = (): Promise<void> => Promise.resolve();
        times.push(
          await timed(async () => {
            const k = await startKustody({ cluster: true });
            close = () => k.close();
          }),
        );
        await close();
      }
      const best = Math.min(...times.slice(1));
      return { ratio: best / 500, detail: `${Math.round(best)} ms` };
    },
  },
];
