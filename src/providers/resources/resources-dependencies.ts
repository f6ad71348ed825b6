import type { ArmProvider } from '../../arm/arm-operation.ts';
import type { Authorizer } from '../../authz/role-assignments.ts';
import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';

export interface ResourcesDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly authorizer: Authorizer;
  /** Listed before all others: clients take the first one that they see. */
  readonly mainSubscriptionId: Guid;
  /** Named in `GET /tenants`. */
  readonly describeTenant: (
    tenantId: Guid,
  ) => Promise<{ readonly displayName: string; readonly domains: readonly string[] } | undefined>;
  /** Every provider but this one; resources of a group are deleted in this order. */
  readonly providers: readonly ArmProvider[];
}
