import type { FunctionRows } from '../scope.ts';

/** Functions of number series: series_*. */
export const seriesFunctions: FunctionRows = {};
