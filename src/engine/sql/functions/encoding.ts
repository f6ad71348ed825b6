import type { FunctionRows } from '../scope.ts';

/** Base64, URL, hex, punycode, compression, unicode. */
export const encodingFunctions: FunctionRows = {};
