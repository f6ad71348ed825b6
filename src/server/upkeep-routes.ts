import type { FastifyInstance } from 'fastify';
import { toIso } from '../clock/clock.ts';
import type { ClusterContentsService } from '../cluster/supervisor/cluster-contents.ts';
import { memoryRoom } from './memory-room.ts';

/** `GET /upkeep`: the room for opened extents, and for every cluster whose data is open, what its upkeep could not do, and has not done since. Tables by id. */
export const upkeepRoutes =
  (contents: Pick<ClusterContentsService, 'upkeepReports'>, memoryDirectory: string | undefined) =>
  (app: FastifyInstance): void => {
    app.get('/upkeep', () => ({
      memoryFiles: memoryRoom(memoryDirectory) ?? null,
      clusters: contents.upkeepReports().map(({ clusterId, problems: { count, first } }) => ({
        clusterId,
        problemCount: count,
        problems: first.map(({ table, since, ...problem }) => ({ ...problem, ...table, since: toIso(since) })),
      })),
    }));
  };
