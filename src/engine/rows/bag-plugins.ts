import type { RowOperator } from './row-operator.ts';

/** Plugins that change the shape of rows: bag_unpack, pivot, narrow. */
export const bagPlugins: Readonly<Record<string, RowOperator>> = {};
