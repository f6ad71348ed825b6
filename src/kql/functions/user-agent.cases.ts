import type { FunctionCases } from './case-rows.ts';

export const userAgentCases: FunctionCases = {
  parse_user_agent: ['parse_user_agent(s,"browser")'],
};
