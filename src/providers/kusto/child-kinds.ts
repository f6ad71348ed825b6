import type { ChildKind } from './child-kind.ts';
import { clusterChildren } from './cluster-children.ts';
import { dataConnections } from './data-connections.ts';

/** Every type of child that comes from a row. */
export const childKinds: readonly ChildKind[] = [...clusterChildren, dataConnections];
