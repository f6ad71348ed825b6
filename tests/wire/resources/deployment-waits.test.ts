import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { SlowThings, takesMs, thing } from './slow-things.fixture.ts';

const version = 'api-version=2024-11-01';
describe('deployments of what takes its time', () => {
  let arm: ArmFixture;
  let slow: SlowThings;
  beforeAll(async () => {
    slow = new SlowThings();
    arm = await startArm((parts) => [slow.provider(parts)]);
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(async () => {
    expect(arm.deploymentErrors).toEqual([]);
    await arm[Symbol.asyncDispose]();
  });

  const path = (name: string, verb = ''): string =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.Resources/deployments/${name}${verb}?${version}`;
  const put = (name: string, resources: readonly object[]) =>
    arm.send('PUT', path(name), {
      body: { properties: { mode: 'Incremental', template: { $schema: 's', contentVersion: '1.0.0.0', resources } } },
    });
  const shown = async (name: string) => {
    const { body } = await arm.send('GET', path(name));
    return (body as { properties: { provisioningState: string; duration: string; error?: object } }).properties;
  };

  it('wait on the Kustody clock, ten resources at a time', async () => {
    slow.begun.length = 0;
    const tenBegun = slow.whenWaiting(10);
    await put(
      'many',
      Array.from({ length: 12 }, (_, at) => thing(`t${at}`)),
    );
    await tenBegun;
    expect(await shown('many')).toMatchObject({ provisioningState: 'Running' });
    const active = await put('many', []);
    expect(active).toMatchObject({ status: 409, body: { error: { code: 'DeploymentActive' } } });
    const allBegun = slow.whenWaiting(2);
    expect(slow.begun).toHaveLength(10);
    await arm.clock.advance(takesMs);
    await allBegun;
    await shown('many'); // a round trip, in which the waits begin
    await arm.clock.advance(takesMs);
    await arm.deployments.quiet();
    expect(await shown('many')).toMatchObject({ provisioningState: 'Succeeded', duration: 'PT2M0S' });
  });

  it('end at once when they are cancelled, but for what has begun', async () => {
    slow.begun.length = 0;
    const begun = slow.whenWaiting(1);
    await put('cancelled', [thing('first'), thing('second', ['first'])]);
    await begun;
    expect((await arm.send('POST', path('cancelled', '/cancel'))).status).toBe(204);
    await arm.clock.advance(takesMs);
    await arm.deployments.quiet();
    expect(slow.begun).toEqual(['first']);
    expect(await shown('cancelled')).toMatchObject({
      provisioningState: 'Canceled',
      error: { code: 'DeploymentCanceled' },
    });
  });

  it('fail with the outcome of an operation', async () => {
    slow.begun.length = 0;
    const begun = slow.whenWaiting(1);
    await put('broken', [thing('bad'), thing('never', ['bad'])]);
    await begun;
    await shown('broken'); // a round trip, in which the wait begins
    await arm.clock.advance(takesMs);
    await arm.deployments.quiet();
    expect(slow.begun).toEqual(['bad']);
    const details = [
      { code: 'ResourceDeploymentFailure', details: [{ code: 'ThingBroke', message: 'The thing broke.' }] },
    ];
    expect(await shown('broken')).toMatchObject({
      provisioningState: 'Failed',
      error: { code: 'DeploymentFailed', details },
    });
  });
});
