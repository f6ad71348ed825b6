import { describe, expect, it } from 'vitest';
import { createControlApp } from '../http/control-app.ts';
import { silentLog } from '../http/logging.ts';
import { memoryState } from '../identity/identity.fixture.ts';
import { ControlError } from './control-plane.ts';
import type { SeededPrincipal } from './instance-environment.ts';
import { keepSeededPrincipals, listSeededPrincipals, seededPrincipalRoutes } from './seeded-principals.ts';
import { principalVariables } from './principal-variables.ts';

const one = '00000000-0000-4000-8000-000000000001';
const other = '00000000-0000-4000-8000-000000000002';
const app = (objectId: string, secret?: string): SeededPrincipal => ({
  ...{ name: 'Ingestor', type: 'ServicePrincipal', objectId, clientId: objectId },
  ...(secret === undefined ? {} : { secret }),
});

describe('principals of a seed', () => {
  it('keep the secret that is known, until they have another or are others', async () => {
    const state = await memoryState();
    const secrets = async (): Promise<readonly (string | undefined)[]> =>
      (await listSeededPrincipals(state)).map(({ secret }) => secret);
    await keepSeededPrincipals(state, [app(one, 'first')]);
    await keepSeededPrincipals(state, [app(one)]);
    expect(await secrets()).toEqual(['first']);
    await keepSeededPrincipals(state, [app(one, 'second')]);
    expect(await secrets()).toEqual(['second']);
    await keepSeededPrincipals(state, [app(other)]);
    expect(await secrets()).toEqual([undefined]);
  });

  it('are at most a thousand', async () => {
    const state = await memoryState();
    const named = (count: number, prefix: string): readonly SeededPrincipal[] =>
      Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, type: 'Group', objectId: one }));
    await keepSeededPrincipals(state, named(1000, 'a'));
    await keepSeededPrincipals(state, named(1000, 'A'));
    await expect(keepSeededPrincipals(state, named(1, 'b'))).rejects.toBeInstanceOf(ControlError);
    expect(await listSeededPrincipals(state)).toHaveLength(1000);
  });

  it.each([
    [{}],
    [{ principals: [{ name: 'x' }] }],
    [{ principals: [{ name: 'x', objectId: 'no-guid', type: 'User' }] }],
    [{ principals: [{ name: 'x', objectId: one, type: 'Device' }] }],
    [{ principals: [{ name: 'x', objectId: one, type: 'User', more: 1 }] }],
    [{ principals: Array.from({ length: 101 }, () => ({ name: 'x', objectId: one, type: 'User' })) }],
  ])('are refused where they are none: %#', async (body) => {
    const state = await memoryState();
    const { app: control } = createControlApp({
      ...{ name: 'control', log: silentLog, bodyBytesMax: 100_000 },
      renderError: (error) => (error instanceof ControlError ? { status: error.status, body: {} } : undefined),
      renderFailure: ({ status }) => ({ status, body: {} }),
    });
    seededPrincipalRoutes(state)(control);
    const put = async (payload: object): Promise<number> =>
      (await control.inject({ method: 'PUT', url: '/principals', payload })).statusCode;
    expect(await put(body)).toBe(400);
    expect(await listSeededPrincipals(state)).toEqual([]);
    expect(await put({ principals: [{ name: 'x', objectId: one, type: 'User' }] })).toBe(200);
    expect(await listSeededPrincipals(state)).toHaveLength(1);
  });

  it('are told to programs by their names', () => {
    const user = { name: 'ada.b', type: 'User', objectId: other, userPrincipalName: 'ada.b@x', secret: 'p' } as const;
    expect(principalVariables([app(one, 's'), user])).toEqual({
      KUSTODY_PRINCIPAL_INGESTOR_OBJECT_ID: one,
      KUSTODY_PRINCIPAL_INGESTOR_CLIENT_ID: one,
      KUSTODY_PRINCIPAL_INGESTOR_CLIENT_SECRET: 's',
      KUSTODY_PRINCIPAL_ADA_B_OBJECT_ID: other,
      KUSTODY_PRINCIPAL_ADA_B_USERNAME: 'ada.b@x',
      KUSTODY_PRINCIPAL_ADA_B_PASSWORD: 'p',
    });
  });
});
