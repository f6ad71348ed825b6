import type { FastifyInstance } from 'fastify';
import { toIso } from '../clock/clock.ts';
import type { MemoryRoom } from './memory-room.ts';
import type { ClusterUpkeep } from '../cluster/supervisor/cluster-contents.ts';

/** `GET /upkeep`: the room for opened extents, and for every cluster whose data is open, what its upkeep could not do, and has not done since. Tables by id. */
export const upkeepRoutes =
  (reports: () => readonly ClusterUpkeep[], room: () => MemoryRoom | undefined) =>
  (app: FastifyInstance): void => {
    app.get('/upkeep', () => ({
      memoryFiles: room() ?? null,
      clusters: reports().map(({ clusterId, problems: { count, first } }) => ({
        clusterId,
        problemCount: count,
        problems: first.map(({ table, since, ...problem }) => ({ ...problem, ...table, since: toIso(since) })),
      })),
    }));
  };
