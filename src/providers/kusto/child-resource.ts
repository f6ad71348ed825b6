import { armResources } from '../../arm/resource.ts';
import type { ArmResource } from '../../arm/resource.ts';
import type { FollowerOverrides } from '../../authz/follower-overrides.ts';
import type { SystemData } from '../../arm/system-data.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Table } from '../../state/state.ts';
import type { AssignmentResource } from './child-records.ts';
import type { ResourceOperation } from './operation-record.ts';

/** With commands, and by assignments of the resource manager. */
export type HeldOverride = FollowerOverrides & { readonly assignments?: readonly AssignmentResource[] };
export type HeldOverrides = Readonly<Record<string, HeldOverride>>;

/** A stored child: what its owner set, and nothing that can be derived. */
export interface ChildResource extends ArmResource {
  readonly properties: {
    readonly format: 1;
    readonly values: JsonObject;
    readonly operation?: ResourceOperation;
    readonly systemData?: SystemData & JsonObject;
    /** Of what follows storage: when it was made, by the machine's clock. Not with those of earlier versions. */
    readonly madeAt?: string;
    /** Of what is attached: by the id of a database, what the follower has set for it. */
    readonly overrides?: HeldOverrides & JsonObject;
  };
}

/** Children that come from rows, among all resources. */
export const childResources: Table<ChildResource> = {
  name: armResources.name,
  parse: (value) => {
    const properties = isJsonObject(value) ? value['properties'] : undefined;
    invariant(
      isJsonObject(properties) && properties['format'] === 1 && isJsonObject(properties['values']),
      'a stored child has the format that this version knows',
    );
    return value as unknown as ChildResource;
  },
};
