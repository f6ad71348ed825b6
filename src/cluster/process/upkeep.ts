import { invariant } from '../../base/invariant.ts';
import { instant } from '../../clock/clock.ts';
import { addRows } from './add-rows.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import type { Operations } from './operations.ts';
import type { DataHolder } from './data-holder.ts';
import type { OpenData } from './inventory.ts';
import { findExtent, openKnown, takeInventory } from './inventory.ts';

export interface UpkeepParts {
  readonly data: () => DataHolder;
  /** Undefined until it is open. */
  readonly plane: () => DataPlane | undefined;
  /** Since the process has been this cluster's. */
  readonly awakeMs: () => number;
}

type UpkeepCall =
  | 'inventory'
  | 'findExtent'
  | 'upkeep'
  | 'rest'
  | 'putBack'
  | 'databaseBytes'
  | 'runScript'
  | 'addRows'
  | 'endedRequests'
  | 'shownRequests'
  | 'cancelRequest'
  | 'endedElsewhere'
  | 'flushQueue';

/** What the supervisor asks of the data itself: what there is, what is due, and whether the process may go. */
export function upkeepOperations({ data, plane, awakeMs }: UpkeepParts): Operations<UpkeepCall> {
  const openedData: OpenData = (known) => {
    const open = plane();
    invariant(open !== undefined, 'the data plane is open before anybody asks what there is');
    return open.data(known);
  };
  return {
    inventory: (call) => takeInventory(openedData, call),
    findExtent: (call) => findExtent(openedData, call),
    upkeep: async (call) => {
      if (call.open !== undefined) await openKnown(openedData, { databases: call.open, now: call.now });
      const reply = data().upkeep(call);
      if (reply.outcome === 'done') plane()?.wakeDue();
      return reply;
    },
    rest: ({ idleMs }) => {
      const open = plane();
      const idle = open === undefined ? Infinity : open.idleMs();
      return idle === undefined || Math.min(idle, awakeMs()) < idleMs ? { outcome: 'busy' } : data().rest();
    },
    putBack: async ({ now }) => {
      await data().putBack(instant(now));
      plane()?.putBack(instant(now));
      return { outcome: 'done' };
    },
    runScript: (call) => {
      const open = plane();
      return open === undefined ? { outcome: 'unavailable' } : open.runScript(call);
    },
    addRows: (call) => addRows(openedData, call),
    endedRequests: (call) => plane()?.endedRequests(call) ?? { outcome: 'unavailable' },
    shownRequests: () => ({ outcome: 'listed', requests: plane()?.shownRequests() ?? [] }),
    cancelRequest: (call) => ({ outcome: 'cancelled', count: plane()?.cancelRequest(call) ?? 0 }),
    endedElsewhere: (call) => {
      plane()?.endedElsewhere(call);
      return { outcome: 'taken' };
    },
    flushQueue: () => plane()?.flushQueue() ?? { outcome: 'unavailable' },
    databaseBytes: ({ databaseId }) => data().databaseBytes(databaseId),
  };
}
