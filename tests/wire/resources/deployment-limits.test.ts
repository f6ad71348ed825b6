import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployments, deploymentId } from '../../../src/providers/resources/deployments/deployment-record.ts';
import type { DeploymentRecord } from '../../../src/providers/resources/deployments/deployment-record.ts';
import { writeRecord } from '../../../src/state/state.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { SlowThings, takesMs, thing } from './slow-things.fixture.ts';

const version = 'api-version=2024-11-01';

describe('limits of deployments', () => {
  let arm: ArmFixture;
  const slow = new SlowThings();
  beforeAll(async () => {
    arm = await startArm((parts) => [slow.provider(parts)]);
  });
  afterAll(async () => {
    expect(arm.deploymentErrors).toEqual([]);
    await arm[Symbol.asyncDispose]();
  });
  const groupId = (group: string) => `/subscriptions/${arm.subscriptionId}/resourceGroups/${group}`;
  const put = (group: string, name: string, resources: readonly object[] = []) =>
    arm.send('PUT', `${deploymentId(groupId(group), name)}?${version}`, {
      body: { properties: { mode: 'Incremental', template: { $schema: 's', contentVersion: '1.0.0.0', resources } } },
    });
  const names = async (group: string): Promise<readonly string[]> => {
    const found: string[] = [];
    let next: string | undefined = `${groupId(group)}/providers/Microsoft.Resources/deployments?${version}`;
    while (next !== undefined) {
      const { body } = await arm.send('GET', next);
      const page = body as { value: { name: string }[]; nextLink?: string };
      found.push(...page.value.map(({ name }) => name));
      next = page.nextLink === undefined ? undefined : page.nextLink.replace(/^https:\/\/[^/]+/, '');
    }
    return found;
  };
  /** A group with the records of `count` deployments that ended one after the other, as if they had been made; the first one is active. */
  const groupWith = async (group: string, count: number): Promise<void> => {
    await arm.resourcesClient().resourceGroups.createOrUpdate(group, { location: 'eastus' });
    await put(group, 'first');
    await arm.deployments.quiet();
    const first = await arm.state.get(deployments, deploymentId(groupId(group), 'first').toLowerCase());
    if (first === undefined) throw new Error('it was deployed');
    const records = Array.from({ length: count - 1 }, (_, at): DeploymentRecord => {
      const name = `old-${at + 1}`;
      const changedAt = first.value.changedAt + at + 1;
      return { ...first.value, id: deploymentId(groupId(group), name), name, changedAt };
    });
    await arm.state.commit({
      write: [
        writeRecord(deployments, first.id, first.version, { ...first.value, state: 'Running' }),
        ...records.map((record) => writeRecord(deployments, record.id.toLowerCase(), null, record)),
      ],
    });
    await arm.clock.advance(count);
  };
  const lock = (group: string) =>
    arm.send('PUT', `${groupId(group)}/providers/Microsoft.Authorization/locks/kept?api-version=2020-05-01`, {
      body: { properties: { level: 'CanNotDelete' } },
    });

  it('200 are active at the same time, however fast they are sent; the next ones are told to come later', async () => {
    await arm.resourcesClient().resourceGroups.createOrUpdate('busy', { location: 'eastus' });
    const allWait = slow.whenWaiting(200);
    const answers = await Promise.all(Array.from({ length: 220 }, (_, at) => put('busy', `d${at}`, [thing(`t${at}`)])));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(200);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(20);
    for (const { body } of refused) expect(body).toMatchObject({ error: { code: 'TooManyRequests' } });
    await allWait;
    expect((await put('busy', 'later')).status).toBe(429);
    await names('busy'); // a round trip, in which the waits begin
    await arm.clock.advance(takesMs);
    await arm.deployments.quiet();
    expect((await put('busy', 'later')).status).toBe(201);
    await arm.deployments.quiet();
  });

  it('700 are kept of a scope; with one more the oldest that have ended go until 600 are left', async () => {
    await groupWith('full', 699);
    await put('full', 'the-700th');
    expect(await names('full')).toHaveLength(700);
    await put('full', 'old-2'); // is there already: it is the latest now, and nothing goes
    await arm.deployments.quiet();
    expect(await names('full')).toHaveLength(700);
    await put('full', 'the-701st');
    const left = await names('full');
    expect(left).toHaveLength(600);
    expect(left).toEqual(expect.arrayContaining(['first', 'old-2', 'old-103', 'the-700th', 'the-701st']));
    expect(left.filter((name) => /^old-(?:1|3|102)$/.test(name))).toEqual([]);
    await arm.deployments.quiet();
  });

  it('under a lock none goes, and the 801st is refused', async () => {
    await groupWith('locked', 799);
    await lock('locked');
    expect((await put('locked', 'the-800th')).status).toBe(201);
    const refused = await put('locked', 'the-801st');
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'DeploymentQuotaExceeded' } } });
    expect(await names('locked')).toHaveLength(800);
    await arm.deployments.quiet();
  });

  it('at 800 the next one is refused once, and the oldest are gone then', async () => {
    await groupWith('over', 800);
    expect(await put('over', 'next')).toMatchObject({ status: 409 });
    expect(await names('over')).toHaveLength(600);
    expect((await put('over', 'next')).status).toBe(201);
    await arm.deployments.quiet();
  });

  it('of a subscription are in ten locations at most', async () => {
    const send = (name: string, location: string) =>
      arm.send('PUT', `${deploymentId(`/subscriptions/${arm.subscriptionId}`, name)}?${version}`, {
        body: { location, properties: { mode: 'Incremental', template: { $schema: 's', contentVersion: '1.0.0.0' } } },
      });
    const ten = ['eastus', 'eastus2', 'westus', 'westus2', 'westus3', 'centralus', 'northeurope', 'westeurope'];
    for (const location of [...ten, 'uksouth', 'eastus', 'francecentral'])
      expect((await send(`in-${location}`, location)).status).toBe(200);
    await arm.deployments.quiet();
    const eleventh = await send('eleventh', 'japaneast');
    expect(eleventh).toMatchObject({ status: 409, body: { error: { code: 'DeploymentQuotaExceeded' } } });
    expect(eleventh.text).toMatch(/'eleventh' would exceed the deployment location quota.*'10' locations.*EASTUS2/);
    expect((await send('another', 'westeurope')).status).toBe(200);
    await arm.deployments.quiet();
  });

  it('are told of a request that is larger than 4 MB in the words of Azure', async () => {
    const resources = [{ ...thing('t'), tags: { t: 'x'.repeat(4 * 1024 * 1024) } }];
    expect(await put('rg', 'large', resources)).toMatchObject({
      status: 413,
      body: {
        error: {
          code: 'RequestContentTooLarge',
          message: 'The request content size exceeds the maximum size of 4 MB.',
        },
      },
    });
  });
});
