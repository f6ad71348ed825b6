import type { FunctionCases } from './case-rows.ts';

export const sketchCases: FunctionCases = {
  dcount_hll: ['dcount_hll(dynamic([[1024,14],["1","2"],[]]))', 'dcount_hll(o)'],
  hll_merge: ['hll_merge(dynamic([[1024,14],["1","2"],[]]), dynamic([[1024,14],["1","2"],[]]))'],
  tdigest_merge: ['tdigest_merge(dynamic([[7],[1,2,5],[1,1,2]]), dynamic([[7],[1,2,5],[1,1,2]]))'],
  merge_tdigest: ['merge_tdigest(dynamic([[7],[1,2,5],[1,1,2]]), dynamic([[7],[1,2,5],[1,1,2]]))'],
  rank_tdigest: ['rank_tdigest(dynamic([[7],[1,2,5],[1,1,2]]), i)'],
  percentrank_tdigest: ['percentrank_tdigest(dynamic([[7],[1,2,5],[1,1,2]]), i)'],
  percentile_tdigest: ['percentile_tdigest(dynamic([[7],[1,2,5],[1,1,2]]), 50)'],
  percentiles_array_tdigest: ['percentiles_array_tdigest(dynamic([[7],[1,2,5],[1,1,2]]), 25, 50)'],
};
