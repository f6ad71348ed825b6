import type { RowOperator } from './row-operator.ts';

/** Row operators by the name of their `rowwise` node. */
export const rowOperatorsByName: Readonly<Record<string, RowOperator>> = {};
