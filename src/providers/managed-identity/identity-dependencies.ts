import type { ManagedIdentities } from '../../authz/caller.ts';
import type { Authorizer } from '../../authz/role-assignments.ts';
import type { Clock } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';

export interface IdentityDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly identities: ManagedIdentities;
  readonly authorizer: Authorizer;
}
