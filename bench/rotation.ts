import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { newGuid } from '../src/base/new-guid.ts';
import { parseVersionedKeyId } from '../src/base/key-id.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import { KeyHolder } from '../src/cluster/process/key-holder.ts';
import type { KeyWrapper } from '../src/encryption/key-wrapper.ts';
import { withExtents } from './extents.ts';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { timed } from './row.ts';

const [few, many] = [100, 10_000];
const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };

/** A vault without a way to it: one RSA key. What is measured is all that a rotation does besides. */
function localWrapper(): KeyWrapper {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    describe: () => Promise.reject(new Error('A rotation to a version that is named describes nothing.')),
    wrap: (_identity, _kid, plaintext) =>
      Promise.resolve({ outcome: 'wrapped', wrapped: publicEncrypt({ key: publicKey, ...padding }, plaintext) }),
    unwrap: (_identity, _kid, wrapped) =>
      Promise.resolve({ outcome: 'unwrapped', plaintext: privateDecrypt({ key: privateKey, ...padding }, wrapped) }),
  };
}

const kidOf = (version: string) => {
  const kid = parseVersionedKeyId(`https://bench.vault.azure.net/keys/k/${version.repeat(32)}`);
  if (kid === undefined) throw new Error('That is a key id.');
  return kid;
};

/** @returns the best of several rotations of a cluster with so many extents, in milliseconds */
async function rotationOf(extents: number): Promise<number> {
  const cluster = await openLocalCluster();
  try {
    await withExtents(cluster, extents);
    const holder = new KeyHolder({
      clusterId: cluster.clusterId,
      wrapper: localWrapper(),
      randomBytes: systemRandomBytes,
      firstCatalog: () => [],
      rewrapCatalog: () => Promise.reject(new Error('A rotation leaves the catalog alone.')),
    });
    const target = { identity: newGuid(systemRandomBytes), kid: kidOf('a') };
    const made = await holder.make({ target });
    if (made.outcome !== 'made') throw new Error('A key is made.');
    holder.adopt({ generation: 1, check: made.check });
    let { wrapped } = made;
    const times: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      times.push(
        await timed(async () => {
          const current = {
            clusterId: cluster.clusterId,
            identities: [target.identity],
            kid: target.kid,
            wrapped,
            check: made.check,
          };
          const next = await holder.rewrap({ current, target: { ...target, kid: kidOf('b') } });
          if (next.outcome !== 'rewrapped') throw new Error('The key is wrapped anew.');
          await cluster.commitKey(Buffer.from(next.wrapped).toString('base64url'));
          holder.adopt({ generation: 1, check: next.check });
          ({ wrapped } = next);
        }),
      );
    }
    return Math.min(...times);
  } finally {
    await cluster.close();
  }
}

export const rotationRows: readonly BenchRow[] = [
  {
    id: 'rotation',
    ratio: `rotation of the key of a cluster with ${many} extents over one with ${few}`,
    rule: 'atMost',
    floor: 2,
    aim: 1.2,
    run: async () => {
      const times = { few: Infinity, many: Infinity };
      for (let round = 0; round < 2; round += 1) {
        times.few = Math.min(times.few, await rotationOf(few));
        times.many = Math.min(times.many, await rotationOf(many));
      }
      return { ratio: times.many / times.few, detail: `${times.many.toFixed(2)} ms and ${times.few.toFixed(2)} ms` };
    },
  },
];
