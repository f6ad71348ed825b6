import type { FunctionCases } from './case-rows.ts';

export const bagCases: FunctionCases = {
  extract_json: ['extract_json("$.a",tostring(o))', 'extract_json("$.a",tostring(o),typeof(dynamic))'],
  extractjson: ['extractjson("$.a.b[1]",s)'],
  bag_merge: ['bag_merge(o,dynamic({"z":1,"a":2}))', 'bag_merge(dynamic({"a":9}),o)'],
  bag_keys: ['bag_keys(o)'],
  bag_has_key: ['bag_has_key(o,"a")', 'bag_has_key(o,"$.b")'],
  bag_set_key: ['bag_set_key(o,"q",i)', 'bag_set_key(o,"$.b.c",s)'],
  bag_remove_keys: ['bag_remove_keys(o,dynamic(["a","$.b.c"]))'],
  bag_zip: ['bag_zip(o,dynamic([1,2]))', 'bag_zip(dynamic(["a","b"]),o)'],
  treepath: ['treepath(o)'],
};
