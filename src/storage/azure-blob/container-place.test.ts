import { afterAll, beforeAll } from 'vitest';
import type { Azurite } from '../../../tests/support/azurite.ts';
import { startAzurite } from '../../../tests/support/azurite.ts';
import { blobPlaceConformance } from '../blob-place.conformance.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

blobPlaceConformance('a container on Azurite', async () => ({ container: await azurite.newContainer() }), {
  snapshots: false,
});
