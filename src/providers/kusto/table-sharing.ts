import { Type } from '@sinclair/typebox';

const names = Type.Optional(
  Type.Union([Type.Null(), Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 1000 })]),
);

/** What of a database its followers see: names with `*` at their ends. */
export const tableSharing = Type.Object({
  tablesToInclude: names,
  tablesToExclude: names,
  externalTablesToInclude: names,
  externalTablesToExclude: names,
  materializedViewsToInclude: names,
  materializedViewsToExclude: names,
  functionsToInclude: names,
  functionsToExclude: names,
});
