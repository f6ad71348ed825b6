import type { FunctionCases } from './case-rows.ts';

export const parseTextCases: FunctionCases = {
  parse_csv: ['parse_csv(s)'],
  parse_url: ['parse_url(s)'],
  parseurl: ['parseurl(s)'],
  parse_urlquery: ['parse_urlquery(s)'],
  parse_path: ['parse_path(s)'],
  parse_command_line: ['parse_command_line(s,"windows")'],
  parse_version: ['parse_version(s)', 'parse_version("1.2.3")', 'parse_version(strcat("9.",j))'],
};
