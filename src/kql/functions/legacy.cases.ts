import type { FunctionCases } from './case-rows.ts';

export const legacyCases: FunctionCases = {
  totime: ['totime(s)'],
  translate: ['translate("lo","01",s)'],
  parseurlquery: ['parseurlquery(s)'],
  estimate_data_size: ['estimate_data_size(s)', 'estimate_data_size(o)'],
  datepart: ['datepart("Quarter",t)'],
  arraylength: ['arraylength(o)'],
  set_equals: ['set_equals(o,dynamic([1,2,3]))'],
  pack: ['pack("a",i,"b",s)'],
  pack_dictionary: ['pack_dictionary("a",x)'],
  assert: ['assert(true,s)'],
};
