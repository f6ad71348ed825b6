import { TemplateEvaluator } from '../../src/templates/thread/template-evaluator.ts';
import { noContents } from '../../src/providers/kusto/ports.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { createArmAudit } from '../../src/arm/arm-audit.ts';
import type { ArmOperation, ArmProvider } from '../../src/arm/arm-operation.ts';
import { createAuthorizer } from '../../src/authz/role-assignments.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { createOutsideVaults } from '../../src/cluster/supervisor/outside-vaults/outside-vaults.ts';
import { machineTime } from '../../src/clock/host-time.ts';
import { openClocks } from '../../src/server/clocks.ts';
import { openFaults } from '../../src/server/faults.ts';
import { openIdentityParts } from '../../src/server/identity-parts.ts';
import { createInstance } from '../../src/server/instance.ts';
import { createProviders } from '../../src/server/providers.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { FakeClusterKeys } from './fake-cluster-keys.ts';

export interface ProviderOperation extends ArmOperation {
  readonly provider: string;
}

const providers = await collect();
const operations = providers.flatMap(({ namespace, operations: rows }) =>
  rows.map((row) => ({ ...row, provider: namespace })),
);

/** Every resource provider, as the server composes them. */
export const allArmProviders = (): readonly ArmProvider[] => providers;

/** Every row of every resource provider. */
export const allArmOperations = (): readonly ProviderOperation[] => operations;

async function collect(): Promise<readonly ArmProvider[]> {
  const randomBytes = systemRandomBytes;
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(randomBytes(32)),
    randomBytes,
  });
  const clocks = await openClocks({
    isNew: true,
    ...{ state, virtualTime: true, host: machineTime },
    log: { warning: () => undefined },
    onError: () => undefined,
  });
  const wallNow = () => clocks.wallClock.now();
  const faults = await openFaults({ state, randomBytes, wallNow });
  const identity = openIdentityParts({
    state,
    randomBytes,
    wallClock: wallNow,
    monotonicMs: () => 0,
    tokenExpiry: (issuedAt) => faults.tokenExpired(issuedAt),
    allowedHosts: [],
  });
  const instance = await createInstance({ state, randomBytes, ...identity, wallNow: wallNow() }, true);
  const audit = new AuditLog(state, clocks.clock);
  const { all } = createProviders(
    {
      audit,
      ...{ state, randomBytes, clocks, faults, identity, instance },
      authorizer: createAuthorizer(state),
      armAudit: createArmAudit({
        ...{ state, randomBytes, clock: clocks.clock },
        audit,
      }),
      readContent: () => Promise.reject(new Error('nothing is read here')),
      templates: new TemplateEvaluator({ script: 'none', after: () => () => undefined }),
    },
    new FakeClusterKeys(state),
    { ...noContents, open: () => Promise.resolve(), runScript: () => Promise.resolve({ outcome: 'unavailable' }) },
    createOutsideVaults({ vaults: [], findIdentity: () => Promise.resolve(undefined), timeoutMs: 0 }),
    { purgeVaultContents: () => Promise.resolve(), manageVault: () => Promise.resolve({}) },
    () => undefined,
  );
  await clocks.close();
  return all;
}
