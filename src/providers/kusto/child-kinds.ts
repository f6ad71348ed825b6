import { attachedDatabases } from './attached-databases.ts';
import type { ChildKind } from './child-kind.ts';
import { clusterChildren } from './cluster-children.ts';
import { dataConnections } from './data-connections.ts';
import { scripts } from './scripts.ts';

/** Every type of child that comes from a row. */
export const childKinds: readonly ChildKind[] = [...clusterChildren, attachedDatabases, dataConnections, scripts];
