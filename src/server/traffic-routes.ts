import type { FastifyInstance } from 'fastify';
import type { RecentRequests } from '../http/recent-requests.ts';
import { recentRequestsMax } from '../http/recent-requests.ts';
import { wholeNumber } from './query-values.ts';

interface TrafficQuery {
  readonly after?: string;
  readonly host?: string;
  readonly failed?: string;
}

/** `GET /traffic`: `{"requests": [...], "last": n, "kept": 500}`, the oldest first; with `?after=n` those with a greater sequence number, with
 * `host=` those to that host, with `failed=true` those that failed. A `last` below `after` is that of a new process: begin anew. */
export const trafficRoutes =
  (recent: RecentRequests) =>
  (app: FastifyInstance): void => {
    app.get<{ Querystring: TrafficQuery }>('/traffic', ({ query: { after = '0', host, failed } }) => ({
      ...recent.list({
        after: wholeNumber('after', after, Number.MAX_SAFE_INTEGER),
        host: host?.toLowerCase(),
        failedOnly: failed === 'true',
      }),
      kept: recentRequestsMax,
    }));
  };
