import type { FunctionCases } from './case-rows.ts';

export const dynamicCases: FunctionCases = {
  path: ['o.a', 'o.c.d', 'o.b'],
  index: [
    'o.b[1]',
    'o.b[-1]',
    'o.b[j]',
    'o[0]',
    'o[-2]',
    'o[j]',
    'o["a"]',
    'o[""]',
    'o["*"]',
    'o[s]',
    'o[strcat("*","")]',
    'o[5]',
    'o["b"][0]',
  ],
  array_length: ['array_length(o)', 'array_length(o.b)'],
  pack_array: ['pack_array(i,s,x,t)', 'pack_array(j,m,b,d,g,o)'],
  bag_pack: ['bag_pack("a",x,s,o)'],
};
