import type { FunctionRows } from '../scope.ts';

/** IPv4 and IPv6. */
export const ipFunctions: FunctionRows = {};
