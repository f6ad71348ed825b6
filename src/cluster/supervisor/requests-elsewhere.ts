import { ProtocolError } from '../messages/message.ts';
import type { ShownRequests } from '../messages/requests-elsewhere.ts';
import { readCancelElsewhere, readEndedElsewhere, readListElsewhere } from '../messages/requests-elsewhere.ts';
import type { ClusterProcess } from './cluster-process.ts';

type Process = Pick<ClusterProcess, 'call' | 'ended'>;

/** What the cluster's own process may ask of those that read it on other nodes. One that is out of reach is gone after the silence of its link, and has
 * nothing under way that could be told of.
 * @returns undefined for whatever else it asks */
export function askReaders(
  readers: () => Iterable<Process>,
  operation: string,
  body: unknown,
): Promise<unknown> | undefined {
  const each = <T>(ask: (reader: Process) => Promise<T>): Promise<readonly T[]> =>
    Promise.all([...readers()].filter(({ ended }) => !ended).map((one) => ask(one).catch(() => undefined))).then(
      (answers) => answers.filter((answer) => answer !== undefined),
    );
  switch (operation) {
    case 'requestsElsewhere':
      readListElsewhere(body);
      return each((reader) => reader.call('shownRequests', {})).then((answers): ShownRequests => ({
        requests: answers.flatMap(({ requests }) => requests),
      }));
    case 'cancelElsewhere': {
      const call = readCancelElsewhere(body);
      return each((reader) => reader.call('cancelRequest', call)).then((answers) => ({
        count: answers.reduce((sum, { count }) => sum + count, 0),
      }));
    }
    default:
      return undefined;
  }
}

/** What a reader tells of its requests goes to the cluster's own process, if there is one: who has none remembers nothing. */
export async function tellOwn(own: Process | undefined, body: unknown): Promise<null> {
  const call = readEndedElsewhere(body);
  if (own === undefined || own.ended) throw new ProtocolError('endedElsewhere');
  await own.call('endedElsewhere', call);
  return null;
}
