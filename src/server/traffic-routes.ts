import type { FastifyInstance } from 'fastify';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { RecordingSpan, RecordingState } from '../http/body-recording.ts';
import { longestRecording, usualRecording } from '../http/body-recording.ts';
import type { RecentRequests } from '../http/recent-requests.ts';
import { recentRequestsMax } from '../http/recent-requests.ts';
import { ControlError } from './control-plane.ts';
import { wholeNumber } from './query-values.ts';

interface TrafficQuery {
  readonly after?: string;
  readonly host?: string;
  readonly failed?: string;
}

/** `GET /traffic`: `{"requests": [...], "last": n, "kept": 500, "bodies": {"recording": false, …}}`, the oldest first; with `?after=n` those with a
 * greater sequence number, with `host=` those to that host, with `failed=true` those that failed. A `last` below `after` is that of a new
 * process: begin anew. `POST /traffic/bodies` with `{"seconds": 300, "requests": 100}`: bodies of so many of the next requests are kept with
 * them. `DELETE /traffic/bodies`: no more, and those that are kept are forgotten. */
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
      bodies: recent.recording.state(),
    }));
    app.post<{ Body: Json | undefined }>('/traffic/bodies', ({ body }): RecordingState => {
      recent.recording.begin(spanOf(body ?? {}));
      return recent.recording.state();
    });
    app.delete('/traffic/bodies', (): RecordingState => {
      recent.forgetBodies();
      return recent.recording.state();
    });
  };

/** @throws ControlError */
function spanOf(body: Json): RecordingSpan {
  const isFit = (name: keyof RecordingSpan, value: unknown): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= longestRecording[name];
  const { seconds = usualRecording.seconds, requests = usualRecording.requests } = isJsonObject(body) ? body : {};
  if (isJsonObject(body) && isFit('seconds', seconds) && isFit('requests', requests)) return { seconds, requests };
  throw new ControlError(
    400,
    'InvalidSpan',
    `Give {"seconds": 1 to ${longestRecording.seconds}, "requests": 1 to ${longestRecording.requests}}.`,
  );
}
