import { beforeEach, describe, expect, it } from 'vitest';
import { ArmError } from '../../arm/arm-error.ts';
import type { ArmRequest } from '../../arm/arm-operation.ts';
import { armOperations, pruneOperations } from '../../arm/long-running.ts';
import { findResourceGroup, resourceGroupId, resourceGroups } from '../../arm/resource-groups.ts';
import { createAuthorizer } from '../../authz/role-assignments.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { ManualHost } from '../../clock/manual-host.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import { deleteGroup, operationResultOperation, resumeGroupDeletions } from './group-deletion.ts';
import { TemplateEvaluator } from '../../templates/thread/template-evaluator.ts';
import { newResultCache } from './deployments/deployment-dependencies.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

const subscriptionId = newGuid(systemRandomBytes);

describe('deletion of a resource group', () => {
  let deps: ResourcesDependencies;
  let deleted: string[];
  let failure: Error | undefined;

  beforeEach(async () => {
    const state = await SealedState.open({
      store: new MemoryStateStore(),
      rootKey: new RootKey(systemRandomBytes(32)),
      randomBytes: systemRandomBytes,
    });
    deleted = [];
    failure = undefined;
    const provider = (name: string) => ({
      namespace: name,
      resourceTypes: [],
      operations: [],
      deleteInGroup: (groupId: string) => {
        if (name === 'second' && failure !== undefined) return Promise.reject(failure);
        deleted.push(`${name} ${groupId.split('/').at(-1) ?? ''}`);
        return Promise.resolve();
      },
    });
    deps = {
      state,
      clock: new VirtualClock({ host: new ManualHost(1_000_000), onError: () => undefined }),
      randomBytes: systemRandomBytes,
      mainSubscriptionId: newGuid(systemRandomBytes),
      authorizer: createAuthorizer(state),
      calls: { check: () => Promise.reject(new Error('none')), send: () => Promise.reject(new Error('none')) },
      templates: new TemplateEvaluator({ script: 'none', after: () => () => undefined }),
      results: newResultCache(),
      readContent: () => Promise.reject(new Error('nothing is read here')),
      readSecret: () => Promise.reject(new Error('there are no secrets here')),
      onError: () => undefined,
      describeTenant: () => Promise.resolve(undefined),
      providers: [provider('first'), provider('second')],
    };
    const id = resourceGroupId(subscriptionId, 'G');
    const group = {
      id,
      name: 'G',
      location: 'eastus',
      provisioningState: 'Succeeded',
      createdAt: '',
      changedAt: '',
    } as const;
    await state.commit({ write: [writeRecord(resourceGroups, id.toLowerCase(), null, group)] });
  });

  const request = (params: Record<string, string>): ArmRequest => ({
    params: { subscriptionId, ...params },
    query: new Map(),
    apiVersion: '2024-11-01',
    headers: {},
    body: undefined,
    caller: {
      objectId: subscriptionId,
      appId: undefined,
      tenantId: subscriptionId,
      issuer: '',
      groupIds: [],
      displayName: '',
    },
    origin: 'https://management.azure.com',
    url: '/',
    correlationId: '',
  });
  const remove = () => deleteGroup(deps, request({ resourceGroupName: 'g' }));
  const group = async () => (await findResourceGroup(deps.state, subscriptionId, 'g'))?.value.provisioningState;
  const poll = (location: string | undefined) =>
    operationResultOperation(deps).handle(
      request({ operationId: /operationresults\/([^?]+)/.exec(location ?? '')?.[1] ?? '' }),
    );

  it('goes through the providers in their order', async () => {
    const { headers } = await remove();
    expect(deleted).toEqual(['first G', 'second G']);
    expect(await group()).toBeUndefined();
    expect((await poll(headers?.['location'])).status).toBe(200);
  });

  it('shows the failure of a provider, and the group is back', async () => {
    failure = new ArmError(409, 'ResourceBusy', 'The resource is busy.');
    const { status, headers } = await remove();
    expect(status).toBe(202);
    expect(await group()).toBe('Succeeded');
    await expect(poll(headers?.['location'])).rejects.toMatchObject({ status: 409, code: 'ResourceBusy' });
    failure = undefined;
    await remove();
    expect(await group()).toBeUndefined();
  });

  it('is finished after a crash, under the operation that the client polls', async () => {
    failure = new Error('crash');
    await expect(remove()).rejects.toThrow('crash');
    expect(await group()).toBe('Deleting');
    const [operation] = await deps.state.list(armOperations);
    const location = `/operationresults/${operation?.id ?? ''}?`;
    expect((await poll(location)).status).toBe(202);
    failure = undefined;
    await resumeGroupDeletions(deps);
    expect(await group()).toBeUndefined();
    expect((await poll(location)).status).toBe(200);
  });

  it('is finished by whoever deletes the group again', async () => {
    failure = new Error('crash');
    await expect(remove()).rejects.toThrow('crash');
    failure = undefined;
    const [one, two] = await Promise.all([remove(), remove()]);
    expect(one).toEqual(two);
    expect(await group()).toBeUndefined();
    expect((await deps.state.list(armOperations)).length).toBe(1);
  });

  it('is forgotten after a week', async () => {
    await remove();
    const weekMs = 7 * 86_400_000;
    await pruneOperations(deps.state, instant(1_000_000 + weekMs));
    expect((await deps.state.list(armOperations)).length).toBe(1);
    await pruneOperations(deps.state, instant(1_000_001 + weekMs));
    expect((await deps.state.list(armOperations)).length).toBe(0);
  });
});
