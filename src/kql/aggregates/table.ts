import type { AggregateRows } from '../sql/scope.ts';
import { basicAggregates } from './basic.ts';
import { collectAggregates } from './collect.ts';
import { pickAggregates } from './pick.ts';
import { schemaAggregates } from './schema.ts';
import { sketchAggregates } from './sketch.ts';
import { statisticsAggregates } from './statistics.ts';

/** All aggregates by KQL name. One row each, in the file of its family. */
export const aggregateRows: AggregateRows = {
  ...basicAggregates,
  ...collectAggregates,
  ...pickAggregates,
  ...schemaAggregates,
  ...sketchAggregates,
  ...statisticsAggregates,
};
