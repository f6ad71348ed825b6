import type { FunctionCases } from './case-rows.ts';

export const conditionalCases: FunctionCases = {
  iff: ['iff(b,i,j)', 'iff(b,x,i)', 'iff(b,s,"z")', 'iff(i>0,t,datetime(null))'],
  iif: ['iif(b,o,dynamic([1]))'],
  case: ['case(i>0,"p",i<0,"n","z")', 'case(b,i,x>0,j,7)'],
  coalesce: ['coalesce(x,2.0)', 'coalesce(s,"d")', 'coalesce(i,j,5)', 'coalesce(o,dynamic([1]))'],
  isnull: ['isnull(i)', 'isnull(s)', 'isnull(x)', 'isnull(o)'],
  isnotnull: ['isnotnull(t)', 'isnotnull(o)'],
  notnull: ['notnull(i)'],
  isempty: ['isempty(s)', 'isempty(i)', 'isempty(o)'],
  isnotempty: ['isnotempty(s)'],
  notempty: ['notempty(o)'],
  max_of: [
    'max_of(i,0)',
    'max_of(i,j)',
    'max_of(x,i)',
    'max_of(x,2.0,j)',
    'max_of(t,datetime(2010-01-01))',
    'max_of(d,1h)',
    'max_of(s,"M")',
    'max_of(m,1.5)',
    'max_of(b,false)',
  ],
  min_of: ['min_of(i,5)', 'min_of(x,2.0)', 'min_of(s,"z","b")', 'min_of(m,j)'],
};
