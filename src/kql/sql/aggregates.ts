import type { AggregateRows } from './scope.ts';
import { basicAggregates } from '../aggregates/basic.ts';
import { collectAggregates } from '../aggregates/collect.ts';
import { pickAggregates } from '../aggregates/pick.ts';
import { schemaAggregates } from '../aggregates/schema.ts';
import { sketchAggregates } from '../aggregates/sketch.ts';
import { statisticsAggregates } from '../aggregates/statistics.ts';

/** All aggregates by KQL name. One row each, in the file of its family. Put together when first asked for, as `functionRows`. */
export const aggregateRows = (): AggregateRows => (rows ??= collected());
let rows: AggregateRows | undefined;

const collected = (): AggregateRows => ({
  ...basicAggregates,
  ...collectAggregates,
  ...pickAggregates,
  ...schemaAggregates,
  ...sketchAggregates,
  ...statisticsAggregates,
});
