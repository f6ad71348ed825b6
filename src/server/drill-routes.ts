import type { FastifyInstance } from 'fastify';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { ControlError } from './control-plane.ts';
import type { WayName } from './drill-matrix.ts';
import type { DrillRuns } from './drill-runs.ts';
import { allWays } from './drill-runs.ts';

/** `GET /drill`: the matrix of the last run, as far as it is known. `POST /drill` with `{"only": ["keyDeleted"]}` or without a body begins one, unless
 * one is under way; `DELETE /drill` ends it. `GET /drill/cells/{way}/{cell}`: the requests and answers of a cell. */
export const drillRoutes =
  (runs: DrillRuns) =>
  (app: FastifyInstance): void => {
    app.get('/drill', () => runs.read());
    app.post<{ Body: Json | undefined }>('/drill', (request, reply) => {
      if (!runs.start(waysOf(request.body)))
        throw new ControlError(409, 'DrillUnderWay', 'A drill is under way: there is one at a time.');
      return reply.code(202).send(runs.read());
    });
    app.delete('/drill', () => {
      runs.cancel();
      return runs.read();
    });
    app.get<{ Params: { readonly way: string; readonly cell: string } }>(
      '/drill/cells/:way/:cell',
      ({ params: { way, cell } }) => {
        const found = runs.cell(way, cell);
        if (found === undefined)
          throw new ControlError(404, 'NoSuchCell', 'The last drill has no such cell, or not yet.');
        return found;
      },
    );
  };

/** In the order of the matrix. @throws ControlError */
function waysOf(body: Json | undefined): readonly WayName[] {
  const only = isJsonObject(body) ? body['only'] : undefined;
  if (only === undefined) return allWays;
  const isList = Array.isArray(only) && only.length > 0 && only.every((way) => allWays.some((known) => known === way));
  if (!isList) throw new ControlError(400, 'NoSuchWay', `Give {"only": [...]} of ${allWays.join(', ')}.`);
  return allWays.filter((way) => (only as readonly Json[]).includes(way));
}
