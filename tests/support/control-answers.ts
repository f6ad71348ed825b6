import { FormatRegistry, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { routeOf } from '../../src/http/route-rows.ts';
import { controlRows } from '../../src/server/control-rows.ts';

FormatRegistry.Set('date-time', (text) => /^\d{4,6}-\d\d-\d\dT[\d:.]+Z$/.test(text));
FormatRegistry.Set('uuid', (text) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text));

/** Where an answer is other than the row of its route tells. @param route `GET /status` */
export function unlikeRow(route: string, answer: unknown): readonly string[] {
  const row = controlRows.find((one) => routeOf(one) === route);
  return [...Value.Errors(row?.answer ?? Type.Never(), answer)].map(
    ({ path, message }) => `${route} ${path}: ${message}`,
  );
}
