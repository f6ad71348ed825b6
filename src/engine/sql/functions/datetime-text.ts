import type { FunctionRows } from '../scope.ts';

/** Datetimes and timespans from parts, to text, between time zones. */
export const datetimeTextFunctions: FunctionRows = {};
