import type { CompiledOps, PlanCompilers } from '../sql/scope.ts';
import { aggregateOperators } from './aggregate.ts';
import { expandNatives, expandOperators } from './expand.ts';
import { joinCompilers } from './join.ts';
import { parseCompilers, parseNatives } from './parse.ts';
import { rowOperators } from './row.ts';
import { seriesCompilers } from './series.ts';
import { sortOperators } from './sort.ts';
import { sourceOperators } from './source.ts';
import { topNestedCompilers } from './top-nested.ts';

/** One row per operator, in the file of its family. A new IR node does not compile without its row. */
export const operatorCompilers: PlanCompilers<CompiledOps> = {
  ...sourceOperators,
  ...rowOperators,
  ...sortOperators,
  ...aggregateOperators,
  ...joinCompilers,
  ...expandOperators,
  ...parseCompilers,
  ...seriesCompilers,
  ...topNestedCompilers,
};

/** The functions in JavaScript that operators call. */
export const operatorNatives = [...expandNatives, ...parseNatives];
