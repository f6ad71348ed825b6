import type { FunctionRows } from '../scope.ts';

/** Geospatial functions. */
export const geoFunctions: FunctionRows = {};
