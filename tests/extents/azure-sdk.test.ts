import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerClient } from '@azure/storage-blob';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import {
  parseEncryptionData,
  wrapAlgorithm,
  writeEncryptionData,
} from '../../src/encryption/cse-v2/encryption-data.ts';
import { defaultRegionBytes, openedBytes } from '../../src/encryption/cse-v2/format.ts';
import { openSealed } from '../../src/encryption/cse-v2/open-sealed.ts';
import { RegionBuffers } from '../../src/encryption/cse-v2/region-buffers.ts';
import { unwrapDek } from '../../src/encryption/cse-v2/wrapped-dek.ts';
import { ExtentFiles } from '../../src/encryption/extent-files/extent-files.ts';
import { wrappedDekOf } from '../../src/encryption/extent-files/sealed-extent.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite, storeIn } from '../support/azurite.ts';
import { python, pythonHas } from '../support/python.ts';

const wrappingKey = Buffer.from(systemRandomBytes(32));
const keyId = 'kustody:cluster/dek-wrapping/1';

describe.skipIf(!pythonHas('azure.storage.blob', 'cryptography'))(
  'The Azure Storage SDK for Python and Kustody open what the other has sealed',
  () => {
    let azurite: Azurite;
    let container: ContainerClient;
    beforeAll(async () => {
      azurite = await startAzurite();
      container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('sealed');
      await container.create();
    });
    afterAll(() => azurite.stop());

    const askSdk = (blob: string, task: Readonly<Record<string, string>>): Buffer => {
      const input = JSON.stringify({
        connectionString: azurite.connectionString,
        blob,
        keyId,
        key: wrappingKey.toString('base64'),
        ...task,
      });
      const script = join(import.meta.dirname, 'azure_sdk.py');
      const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8', maxBuffer: 2 ** 26 });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      return Buffer.from(stdout, 'base64');
    };

    it.each([1, defaultRegionBytes, 2 * defaultRegionBytes + 1])(
      'the SDK opens an exported extent of %i bytes',
      async (length) => {
        const plaintext = Buffer.from(systemRandomBytes(length));
        const files = new ExtentFiles({
          store: storeIn(container),
          withDekWrappingKey: (use) => use(wrappingKey),
          randomBytes: systemRandomBytes,
          cacheBytesMax: 0,
          openBytesMax: 2 ** 26,
        });
        const file = await files.create();
        writeFileSync(file.path, plaintext);
        const extent = await file.seal('extents', newGuid(systemRandomBytes));
        const { regionBytes } = extent;
        const data = { keyId, wrapAlgorithm, wrappedKey: wrappedDekOf(extent), regionBytes };
        await container
          .getBlobClient(extent.blob)
          .setMetadata({ encryptiondata: writeEncryptionData(data, 'Kustody') });
        expect(askSdk(extent.blob, {}).equals(plaintext)).toBe(true);
        await files.dispose();
      },
    );

    it.each([0, 1, 2 * defaultRegionBytes + 1])(
      'Kustody opens a blob of %i bytes that the SDK wrote',
      async (length) => {
        const plaintext = Buffer.from(systemRandomBytes(length));
        const blob = container.getBlobClient(`imported-${length}`);
        askSdk(blob.name, { plaintext: plaintext.toString('base64') });
        const { metadata, contentLength = 0 } = await blob.getProperties();
        const data = parseEncryptionData(metadata?.['encryptiondata'] ?? '');
        expect(data.keyId).toBe(keyId);
        const openedLength = openedBytes(contentLength, data.regionBytes);
        expect(openedLength).toBe(length);
        const sealed = await blob.downloadToBuffer();
        const opened = Buffer.alloc(length);
        await openSealed(
          unwrapDek(wrappingKey, data.wrappedKey),
          { regionBytes: data.regionBytes, length },
          (offset, target) => Promise.resolve(sealed.subarray(offset).copy(target)),
          (bytes, offset) => {
            opened.set(bytes, offset);
            return Promise.resolve();
          },
          new RegionBuffers(data.regionBytes),
        );
        expect(opened.equals(plaintext)).toBe(true);
      },
    );
  },
);
