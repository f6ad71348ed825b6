import type { ReadJson } from '../../src/http/outward-json.ts';
import type { TokenCredential } from '@azure/core-auth';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { ResourceManagementClient } from '@azure/arm-resources';
import { createServer, request as httpsRequest } from 'node:https';
import type { Server } from 'node:https';
import type { ArmProvider } from '../../src/arm/arm-operation.ts';
import { createArmCalls } from '../../src/arm/arm-calls.ts';
import type { ArmPipeline } from '../../src/arm/pipeline.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { createArmAudit } from '../../src/arm/arm-audit.ts';
import { createArmPipeline } from '../../src/arm/pipeline.ts';
import { createArmPlane } from '../../src/arm/plane.ts';
import { newSubscription } from '../../src/arm/subscriptions.ts';
import type { Caller, ManagedIdentities, VerifyToken } from '../../src/authz/caller.ts';
import { createAuthorizer, ownerAssignment } from '../../src/authz/role-assignments.ts';
import type { Guid } from '../../src/base/guid.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { HostName } from '../../src/base/names.ts';
import { parseHostName, parseVaultName } from '../../src/base/names.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { ManualHost } from '../../src/clock/manual-host.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { createAuthorityMaterial, openAuthority } from '../../src/http/certificate-authority.ts';
import { silentLog } from '../../src/http/logging.ts';
import { createAuthorizationProvider } from '../../src/providers/authorization/authorization-provider.ts';
import { createInsightsProvider } from '../../src/providers/insights/insights-provider.ts';
import { findDatabase } from '../../src/providers/kusto/find-database.ts';
import { createKeyVaultProvider } from '../../src/providers/keyvault/keyvault-provider.ts';
import { createVaultDirectory } from '../../src/providers/keyvault/vault-directory.ts';
import { createManagedIdentityProvider } from '../../src/providers/managed-identity/managed-identity-provider.ts';
import { newResultCache } from '../../src/providers/resources/deployments/deployment-dependencies.ts';
import { startSystemTimer } from '../../src/http/timer.ts';
import { TemplateEvaluator } from '../../src/templates/thread/template-evaluator.ts';
import { builtScripts } from './built.ts';
import { createResourcesProvider } from '../../src/providers/resources/resources-provider.ts';
import type { ResourcesDependencies } from '../../src/providers/resources/resources-dependencies.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import type { State } from '../../src/state/state.ts';

/** What further providers of a test are made from. */
export interface ArmFixtureParts {
  readonly state: State;
  readonly clock: VirtualClock;
  readonly tenantId: Guid;
  readonly identities: ManagedIdentities;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parsed JSON; undefined for an empty body. */
  readonly body: unknown;
}

export type ArmFixture = Awaited<ReturnType<typeof startArm>>;

/** 2026-01-01T00:00:00Z */
export const fixtureStartMs = 1_767_225_600_000;

/** The resource manager alone, behind real TLS on localhost, with state in memory, a virtual clock and one subscription whose Owner is
 * `owner`. Tokens are the object ids of principals that `addPrincipal` made. */
export async function startArm(
  extraProviders: (parts: ArmFixtureParts) => readonly ArmProvider[] = () => [],
  purgeVaultContents: (vaultId: Guid) => Promise<void> = () => Promise.resolve(),
  readContent: ReadJson = () => Promise.reject(new Error('nothing is read here')),
  openAuditLog = (state: State, clock: VirtualClock): AuditLog => new AuditLog(state, clock),
) {
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const clockErrors: unknown[] = [];
  const clock = new VirtualClock({ host: new ManualHost(fixtureStartMs), onError: (error) => clockErrors.push(error) });
  const guid = (): Guid => newGuid(systemRandomBytes);
  const tenantId = guid();
  const subscriptionId = guid();
  const principals = new Map<Guid, Caller>();
  const addPrincipal = (displayName: string, inTenant = tenantId): Caller => {
    const objectId = guid();
    const issuer = `https://sts.windows.net/${inTenant}/`;
    const caller: Caller = { objectId, appId: guid(), tenantId: inTenant, issuer, groupIds: [], displayName };
    principals.set(objectId, caller);
    return caller;
  };
  const administrators = new Set<Guid>();
  /** A user who signed in, and has no role anywhere. */
  const addUser = (displayName: string, inTenant = tenantId): Caller => {
    const user = { principalName: `${displayName}@test.onmicrosoft.com`, scopes: ['user_impersonation'] };
    const caller = { ...addPrincipal(displayName, inTenant), user };
    principals.set(caller.objectId, caller);
    return caller;
  };
  const owner = addPrincipal('owner');
  const at = new Date(fixtureStartMs).toISOString();
  const assignOwner = (ofSubscription: Guid) =>
    ownerAssignment({ assignmentId: guid(), subscriptionId: ofSubscription, principalId: owner.objectId, at });
  const addSubscription = async (displayName: string, id: Guid = guid(), inTenant = tenantId): Promise<Guid> => {
    await state.commit({
      write: [newSubscription({ subscriptionId: id, displayName, tenantId: inTenant }), assignOwner(id)],
    });
    return id;
  };
  await addSubscription('first', subscriptionId);

  const identities: ManagedIdentities = {
    create: (displayName) => {
      const made = addPrincipal(displayName);
      return Promise.resolve({ objectId: made.objectId, clientId: made.appId ?? made.objectId });
    },
    find: (objectId) => {
      const clientId = principals.get(objectId)?.appId;
      return Promise.resolve(clientId === undefined ? undefined : { clientId });
    },
    delete: (objectId) => {
      principals.delete(objectId);
      return Promise.resolve();
    },
  };
  const purgedVaults: Guid[] = [];
  const keyVault = createKeyVaultProvider({
    state,
    clock,
    randomBytes: systemRandomBytes,
    purgeVaultContents: (vaultId) => {
      purgedVaults.push(vaultId);
      return purgeVaultContents(vaultId);
    },
    manageVault: () => Promise.reject(new Error('there is no data plane here')),
    isReservedName: (name) => name === parseVaultName('reserved-vault'),
  });
  const authorizer = createAuthorizer(state);
  const auditLog = openAuditLog(state, clock);
  const audit = createArmAudit({ state, clock, randomBytes: systemRandomBytes, audit: auditLog });
  const deploymentErrors: unknown[] = [];
  const templates = new TemplateEvaluator({ script: builtScripts.templateThread, after: startSystemTimer });
  const resources: ResourcesDependencies = {
    state,
    clock,
    randomBytes: systemRandomBytes,
    authorizer,
    mainSubscriptionId: subscriptionId,
    calls: createArmCalls(() => (pipeline ??= createArmPipeline({ ...{ state, authorizer, audit }, providers: all }))),
    templates,
    results: newResultCache(),
    readContent,
    readSecret: () => Promise.reject(new Error('there are no secrets here')),
    onError: (error) => deploymentErrors.push(error),
    describeTenant: () => Promise.resolve({ displayName: 'Test', domains: ['test.onmicrosoft.com'] }),
    providers: [
      ...extraProviders({ state, clock, tenantId, identities }),
      keyVault.provider,
      createInsightsProvider({
        ...{ state, clock, randomBytes: systemRandomBytes },
        moment: () => ({ boot: 'test', at: 0 }),
        findDatabase: (resourceId) => findDatabase(state, resourceId),
      }),
      createManagedIdentityProvider({ state, clock, identities, authorizer }),
      createAuthorizationProvider({
        ...{ state, clock, authorizer },
        principalType: (objectId, inTenant) => {
          const found = principals.get(objectId);
          if (found?.tenantId !== inTenant) return Promise.resolve(undefined);
          return Promise.resolve(found.user === undefined ? 'ServicePrincipal' : 'User');
        },
        isGlobalAdministrator: (objectId) => Promise.resolve(administrators.has(objectId)),
      }),
    ],
  };
  let pipeline: ArmPipeline | undefined;
  const resourcesProvider = createResourcesProvider(resources);
  const all = [resourcesProvider, ...resources.providers];
  const plane = createArmPlane({
    providers: all,
    state,
    verifyToken: verifierOf(principals),
    ...{ authorizer, audit },
    tenantId,
    log: silentLog,
    randomBytes: systemRandomBytes,
    wallClock: () => fixtureStartMs,
  });
  const { server, endpoint, caPem } = await listen(plane.handle);
  const credentialOf = (caller: Caller): TokenCredential => ({
    getToken: () => Promise.resolve({ token: caller.objectId, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
  });
  const clientOptions = { endpoint, tlsOptions: { ca: caPem }, retryOptions: { maxRetries: 0 } };

  return {
    state,
    clock,
    /** Of this state, which has no other. */
    auditLog,
    clockErrors,
    plane,
    operations: all.flatMap((provider) => provider.operations),
    resources,
    deployments: resourcesProvider.deployments,
    /** What went wrong in deployments, and is no client's mistake. */
    deploymentErrors,
    vaults: createVaultDirectory(state),
    retention: keyVault.retention,
    purgedVaults,
    tenantId,
    subscriptionId,
    owner,
    addPrincipal,
    addUser,
    /** Those who are Global Administrator in the directory. */
    administrators,
    addSubscription,
    endpoint,
    caPem,
    credentialOf,
    clientOptions,
    resourcesClient: (as: Caller = owner, ofSubscription = subscriptionId): ResourceManagementClient =>
      new ResourceManagementClient(credentialOf(as), ofSubscription, clientOptions),
    keyVaultClient: (as: Caller = owner, ofSubscription = subscriptionId): KeyVaultManagementClient =>
      new KeyVaultManagementClient(credentialOf(as), ofSubscription, clientOptions),
    /** One request as it is; `as: null` sends no token. */
    send: (
      method: string,
      path: string,
      options: { body?: unknown; headers?: Record<string, string>; as?: Caller | null } = {},
    ) =>
      sendRaw(endpoint, caPem, method, path, {
        ...(options.body === undefined ? {} : { body: options.body }),
        headers: {
          ...(options.as === null ? {} : { authorization: `Bearer ${(options.as ?? owner).objectId}` }),
          ...options.headers,
        },
      }),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      keyVault.retention.stop();
      templates.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function verifierOf(principals: ReadonlyMap<Guid, Caller>): VerifyToken {
  return (authorization) => {
    if (authorization === undefined) return Promise.resolve({ outcome: 'missing' });
    const objectId = parseGuid(authorization.replace(/^Bearer /, ''));
    if (objectId === undefined) return Promise.resolve({ outcome: 'malformed' });
    const caller = principals.get(objectId);
    return Promise.resolve(caller === undefined ? { outcome: 'unknownPrincipal' } : { outcome: 'valid', caller });
  };
}

async function listen(
  handle: Parameters<typeof createServer>[1],
): Promise<{ readonly server: Server; readonly endpoint: string; readonly caPem: string }> {
  const wallClock = { wallClock: () => new Date().getTime() };
  const authority = await openAuthority(await createAuthorityMaterial(wallClock), wallClock);
  const leaf = await authority.leafFor(localhost());
  const server = createServer({ key: leaf.privateKeyPem, cert: leaf.chainPem }, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { server, endpoint: `https://localhost:${port}`, caPem: authority.certificatePem };
}

function localhost(): HostName {
  const name = parseHostName('localhost');
  if (name === undefined) throw new Error('localhost is a host name');
  return name;
}

function sendRaw(
  endpoint: string,
  ca: string,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly headers: Record<string, string> },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(endpoint);
  const sent =
    options.body === undefined
      ? undefined
      : typeof options.body === 'string'
        ? options.body
        : JSON.stringify(options.body);
  const headers = {
    ...(sent === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ hostname, port, path, method, headers, ca, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8');
        const body: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    request.on('error', reject);
    request.end(sent);
  });
}
