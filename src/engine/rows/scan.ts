import type { RowOperator } from './row-operator.ts';

/** The scan operator. */
export const scanOperators: Readonly<Record<string, RowOperator>> = {};
