import type { FunctionCases } from './case-rows.ts';

export const xmlCases: FunctionCases = {
  parse_xml: ['parse_xml(s)'],
};
