import { afterAll, beforeAll, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { StorageFullError } from '../../../src/base/storage-full.ts';
import { instant } from '../../../src/clock/clock.ts';
import { storePassword } from '../../../src/identity/principals/password.ts';
import { startEntra } from './entra-edge.fixture.ts';

const password = 'Correct-Horse-7';
const name = 'full@kustody.onmicrosoft.com';

let entra: Awaited<ReturnType<typeof startEntra>>;
beforeAll(async () => {
  entra = await startEntra();
  await entra.directory.users.create({
    objectId: newGuid(entra.randomBytes),
    tenantId: entra.tenant.tenantId,
    ...{ userPrincipalName: name, displayName: 'Full', mailNickname: 'full', texts: {}, enabled: true },
    password: await storePassword(password, entra.randomBytes),
    mustChangePassword: false,
    sessionsValidFrom: instant(0),
    directoryRoles: [],
    createdAt: instant(entra.wall.now),
  });
});
afterAll(() => entra.close());

const signIn = () =>
  entra.ask('/organizations/oauth2/v2.0/token', {
    form: {
      ...{ grant_type: 'password', client_id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46', username: name, password },
      scope: 'https://management.core.windows.net//.default offline_access',
    },
  });

it('says by the name of all planes that the disk is full, and goes on when there is room', async () => {
  const commit = entra.state.commit.bind(entra.state);
  // The key of refresh tokens is made with the first of them.
  entra.state.commit = () => Promise.reject(new StorageFullError());
  const { status, body } = await signIn();
  expect({ status, ...body }).toMatchObject({
    ...{ status: 507, error: 'temporarily_unavailable', error_codes: [90033] },
    error_description: expect.stringMatching(
      /^AADSTS90033: InsufficientStorage: the disk of the server is full/,
    ) as string,
  });
  entra.state.commit = commit;
  expect((await signIn()).status).toBe(200);
});
