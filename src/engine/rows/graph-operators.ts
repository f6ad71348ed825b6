import type { RowOperator } from './row-operator.ts';

/** Graph operators over nodes and edges in memory. */
export const graphRowOperators: Readonly<Record<string, RowOperator>> = {};
