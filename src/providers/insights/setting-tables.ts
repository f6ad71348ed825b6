import type { EventTable } from '../../audit/event-tables.ts';
import { eventTables } from '../../audit/event-tables.ts';

/** The tables that events of categories go to. */
export const tablesOf = (categories: readonly string[]): readonly EventTable[] =>
  eventTables.filter(({ category }) => categories.includes(category));
