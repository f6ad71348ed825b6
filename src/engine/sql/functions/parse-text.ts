import type { FunctionRows } from '../scope.ts';

/** Parsers of structured text: URL, CSV, XML, user agent, version, path. */
export const parseTextFunctions: FunctionRows = {};
