import type { Authorizer } from '../../authz/role-assignments.ts';
import type { Guid } from '../../base/guid.ts';
import type { DeploymentDependencies } from './deployments/deployment-dependencies.ts';

/** `describeTenant` is shown in `GET /tenants`, too; resources of a group are deleted in the order of `providers`. */
export interface ResourcesDependencies extends DeploymentDependencies {
  readonly authorizer: Authorizer;
  /** Listed before all others: clients take the first one that they see. */
  readonly mainSubscriptionId: Guid;
}
