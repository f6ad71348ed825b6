import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KustoManagementClient } from '@azure/arm-kusto';
import { createDefaultHttpClient } from '@azure/core-rest-pipeline';
import type { HttpClient, PipelineResponse } from '@azure/core-rest-pipeline';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { createArmAudit } from '../../src/arm/arm-audit.ts';
import { createArmPlane } from '../../src/arm/plane.ts';
import { resourceGroupId, resourceGroups } from '../../src/arm/resource-groups.ts';
import { newSubscription } from '../../src/arm/subscriptions.ts';
import type { Caller, ManagedIdentities } from '../../src/authz/caller.ts';
import type { Decision } from '../../src/authz/decide.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { Guid } from '../../src/base/guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { silentLog } from '../../src/http/logging.ts';
import type { OperationFault } from '../../src/providers/kusto/operation-record.ts';
import { noContents } from '../../src/providers/kusto/ports.ts';
import type {
  KnownPrincipal,
  KustoPorts,
  ScriptOutcome,
  ScriptRun,
  UserAssignedIdentity,
} from '../../src/providers/kusto/ports.ts';
import { createKustoProvider } from '../../src/providers/kusto/provider.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { State } from '../../src/state/state.ts';
import { FakeClusterKeys, testGuid } from './fake-cluster-keys.ts';

export const subscriptionId = testGuid('5');
export const tenantId = testGuid('7');
export const groupName = 'rg-kusto';

/** The resource manager with Microsoft.Kusto alone, on a loopback port, and the official client that speaks to it. */
export interface KustoFixture {
  readonly client: KustoManagementClient;
  /** Any request, with the token; the path starts with `/`. */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; headers: Headers; body: unknown }>;
  readonly state: State;
  readonly clock: VirtualClock;
  readonly keys: FakeClusterKeys;
  readonly ports: KustoPorts;
  readonly principals: Set<Guid>;
  readonly userAssigned: Map<string, UserAssignedIdentity>;
  readonly known: Map<string, KnownPrincipal>;
  fault: OperationFault;
  /** What the engine was given to run, and what it answers. */
  readonly scripts: ScriptRun[];
  scriptOutcome: ScriptOutcome;
  /** By the machine's clock. */
  machineMs: number;
  readonly close: () => Promise<void>;
}

const caller: Caller = {
  objectId: testGuid('c'),
  appId: testGuid('a'),
  tenantId,
  issuer: `https://sts.windows.net/${tenantId}/`,
  groupIds: [],
  displayName: 'test application',
};

/** Who may do what is tested with the resource manager; here the caller may do everything. */
const allowed: Decision = {
  allowed: true,
  assignment: {
    assignmentId: testGuid('e'),
    scope: '/',
    roleDefinitionId: testGuid('e'),
    principalId: caller.objectId,
    principalType: 'ServicePrincipal',
    createdOn: '2026-01-01T00:00:00.000Z',
    updatedOn: '2026-01-01T00:00:00.000Z',
    createdBy: '',
  },
};

export async function startKustoFixture(): Promise<KustoFixture> {
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const clock = new VirtualClock({
    onError: (error) => {
      throw error;
    },
  });
  const keys = new FakeClusterKeys(state);
  const principals = new Set<Guid>();
  const userAssigned = new Map<string, UserAssignedIdentity>();
  const known = new Map<string, KnownPrincipal>();
  const fixture: Pick<KustoFixture, 'fault' | 'scripts' | 'scriptOutcome' | 'machineMs'> = {
    fault: { takesMs: 0, fails: false },
    scripts: [],
    scriptOutcome: { outcome: 'ran' },
    machineMs: 0,
  };
  const ports: KustoPorts = {
    state,
    clock,
    machineNow: () => fixture.machineMs,
    keys,
    randomBytes: systemRandomBytes,
    identities: identitiesIn(principals),
    userAssignedIdentity: (id) => Promise.resolve(userAssigned.get(id.toLowerCase())),
    findPrincipal: (type, id) => Promise.resolve(known.get(`${type} ${id.toLowerCase()}`)),
    findTenant: (text) => Promise.resolve(text === tenantId ? tenantId : undefined),
    outsideAccount: () => Promise.resolve(undefined),
    isMappedAccount: (name) => name === 'mapped',
    contents: noContents,
    runScript: (run) => {
      fixture.scripts.push(run);
      return Promise.resolve(fixture.scriptOutcome);
    },
    faults: () => Promise.resolve(fixture.fault),
  };
  await makeGroup(state);
  const plane = createArmPlane({
    providers: [createKustoProvider(ports)],
    state,
    verifyToken: () => Promise.resolve({ outcome: 'valid', caller }),
    authorizer: {
      decide: () => Promise.resolve(allowed),
      decider: () => Promise.resolve(() => allowed),
      assignmentsOf: () => Promise.resolve([]),
    },
    audit: createArmAudit({ state, clock, randomBytes: systemRandomBytes, audit: new AuditLog(state, clock) }),
    tenantId,
    log: silentLog,
    randomBytes: systemRandomBytes,
    wallClock: () => Date.now(),
  });
  const server = createServer((request, response) => plane.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new KustoManagementClient(
    { getToken: () => Promise.resolve({ token: 'test', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) },
    subscriptionId,
    {
      httpClient: loopbackClient(port),
      retryOptions: { maxRetries: 0 },
    },
  );
  return Object.assign(fixture, {
    client,
    send: sender(port),
    state,
    clock,
    keys,
    ports,
    principals,
    userAssigned,
    known,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  });
}

async function makeGroup(state: State): Promise<void> {
  const id = resourceGroupId(subscriptionId, groupName);
  const now = '2026-01-01T00:00:00.000Z';
  const group = {
    id,
    name: groupName,
    location: 'eastus',
    provisioningState: 'Succeeded',
    createdAt: now,
    changedAt: now,
  } as const;
  await state.commit({
    write: [
      newSubscription({ subscriptionId, displayName: 'test', tenantId }),
      writeRecord(resourceGroups, id.toLowerCase(), null, group),
    ],
  });
}

function identitiesIn(principals: Set<Guid>): ManagedIdentities {
  return {
    create: () => {
      const objectId = newGuid(systemRandomBytes);
      principals.add(objectId);
      return Promise.resolve({ objectId, clientId: newGuid(systemRandomBytes) });
    },
    find: (objectId) => Promise.resolve(principals.has(objectId) ? { clientId: objectId } : undefined),
    delete: (objectId) => Promise.resolve(void principals.delete(objectId)),
  };
}

/** The client believes that it speaks to https://management.azure.com; its requests go to the loopback port without TLS. */
function loopbackClient(port: number): HttpClient {
  const plain = createDefaultHttpClient();
  return {
    sendRequest: (request): Promise<PipelineResponse> => {
      const url = new URL(request.url);
      request.headers.set('host', url.host);
      request.url = `http://127.0.0.1:${port}${url.pathname}${url.search}`;
      request.allowInsecureConnection = true;
      return plain.sendRequest(request);
    },
  };
}

function sender(port: number): KustoFixture['send'] {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        authorization: 'Bearer test',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  };
}
