import { keptTarget, keptText } from '../../http/kept-target.ts';
import type { Send } from './drill-instance.ts';
import type { DrillExchange } from '../../server/drill-matrix.ts';

/** What was asked since it was last told. */
export interface Recorder {
  readonly send: Send;
  /** For what is sent otherwise. */
  readonly add: (exchange: DrillExchange) => void;
  readonly take: () => { readonly exchanges: readonly DrillExchange[]; readonly leftOut: number };
}

const firstMax = 4;
const lastMax = 4;
const textCharsMax = 2_000;

/** Keeps the first and the last requests of each cell: those between are the same query, asked until it comes out otherwise. */
export function recording(send: Send): Recorder {
  let first: DrillExchange[] = [];
  let last: DrillExchange[] = [];
  let leftOut = 0;
  const add = (exchange: DrillExchange): void => {
    if (first.length < firstMax) first.push(exchange);
    else last.push(exchange);
    if (last.length <= lastMax) return;
    last.shift();
    leftOut += 1;
  };
  return {
    add,
    send: async (request) => {
      const asked = {
        ...{ method: request.method, host: request.host, path: keptTarget(request.path) },
        ...(request.body === undefined ? {} : { request: shown(bodyText(request.body)) }),
      };
      try {
        const answer = await send(request);
        add({ ...asked, status: answer.status, answer: shown(answer.body.toString('utf8', 0, textCharsMax * 2)) });
        return answer;
      } catch (error) {
        add({ ...asked, answer: 'The connection was closed.' });
        throw error;
      }
    },
    take: () => {
      const taken = { exchanges: [...first, ...last], leftOut };
      first = [];
      last = [];
      leftOut = 0;
      return taken;
    },
  };
}

const bodyText = (body: unknown): string => (Buffer.isBuffer(body) ? body.toString('utf8') : JSON.stringify(body));

/** Without what looks like a secret. */
function shown(text: string): string {
  const kept = keptText(text);
  return kept.length > textCharsMax ? `${kept.slice(0, textCharsMax)}…` : kept;
}
