import type { AggregateRows } from './scope.ts';
import { basicAggregates } from './aggregates/basic.ts';
import { collectAggregates } from './aggregates/collect.ts';
import { pickAggregates } from './aggregates/pick.ts';
import { schemaAggregates } from './aggregates/schema.ts';
import { sketchAggregates } from './aggregates/sketch.ts';
import { statisticsAggregates } from './aggregates/statistics.ts';

/** All aggregates by KQL name. One row each, in the file of its family. */
export const aggregateRows: AggregateRows = {
  ...basicAggregates,
  ...collectAggregates,
  ...pickAggregates,
  ...schemaAggregates,
  ...sketchAggregates,
  ...statisticsAggregates,
};
