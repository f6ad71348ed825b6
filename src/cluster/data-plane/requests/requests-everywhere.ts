import type { CommandRequests, RequestView } from '../../../database/commands/command-context.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import { viewOf } from '../../messages/requests-elsewhere.ts';
import type { RunningRequests } from './running-requests.ts';

/** Requests of this process and of those that read the cluster on other nodes, as one list. */
export const requestsEverywhere = (
  running: RunningRequests,
  call: CallMain,
): Required<Pick<CommandRequests, 'cancel' | 'list'>> => ({
  cancel: async (clientRequestId, principal) => {
    const here = running.cancel(clientRequestId, principal);
    const asked = { clientRequestId, ...(principal !== undefined && { principal }) };
    return here + (await call('cancelElsewhere', asked)).count;
  },
  list: async () => {
    const elsewhere = (await call('requestsElsewhere', {})).requests.map(viewOf);
    return together(running.list(), elsewhere);
  },
});

/** What has ended there while they were asked is known here by then. */
function together(here: readonly RequestView[], elsewhere: readonly RequestView[]): readonly RequestView[] {
  const known = new Set(here.map(({ activityId }) => activityId));
  const others = elsewhere.filter(({ activityId }) => !known.has(activityId));
  if (others.length === 0) return here;
  const all = [...here, ...others];
  const underWay = all.filter(({ ended }) => ended === undefined);
  const over = all.filter(({ ended }) => ended !== undefined);
  return [
    ...underWay.sort((left, right) => right.startedOn - left.startedOn),
    ...over.sort((left, right) => Number(right.ended?.on) - Number(left.ended?.on)),
  ];
}
