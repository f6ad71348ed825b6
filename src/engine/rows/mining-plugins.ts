import type { RowOperator } from './row-operator.ts';

/** autocluster, basket, diffpatterns, reduce. */
export const miningPlugins: Readonly<Record<string, RowOperator>> = {};
