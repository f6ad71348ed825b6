import type { JsonObject } from '../../../src/base/json.ts';
import type { RecordedStep } from '../../../src/cli/custody/fold-history.ts';
import { foldHistory } from '../../../src/cli/custody/fold-history.ts';
import { custodyOf, keysEverUsed } from '../../../src/cli/proof/custody.ts';
import type { KeyUse } from '../../../src/cli/proof/fold-key-uses.ts';
import { foldKeyUses } from '../../../src/cli/proof/fold-key-uses.ts';
import type { Cluster } from '../api/control.ts';
import { sendJson } from '../api/request.ts';

export interface AuditRead {
  /** The oldest first. */
  readonly custody: readonly RecordedStep[];
  readonly uses: readonly KeyUse[];
  /** False: older events were removed. */
  readonly wholeLog: boolean;
  readonly since?: string;
}

interface EventsPage {
  readonly events: readonly { readonly sequence: number; readonly event: JsonObject }[];
  readonly next?: number;
}

/** What `kustody proof` tells of the keys, from the whole audit, which is read twice: which keys there were is known at its end.
 * @throws ApiError */
export async function readAudit(clusters: readonly Cluster[], signal: AbortSignal): Promise<AuditRead> {
  const history = foldHistory();
  await eachEvent(signal, (event) => history.add(event));
  const told = history.result();
  const keys = keysEverUsed(clusters, told);
  const uses = foldKeyUses(keys);
  await eachEvent(signal, ({ event }) => uses.add(event));
  return {
    ...{ custody: custodyOf(keys, told), uses: uses.result(), wholeLog: told.wholeLog },
    ...(told.since === undefined ? {} : { since: told.since }),
  };
}

async function eachEvent(signal: AbortSignal, take: (event: EventsPage['events'][number]) => void): Promise<void> {
  let after = 0;
  for (;;) {
    const page = await sendJson<EventsPage>(`/audit/events?after=${after}`, { signal });
    for (const event of page.events) take(event);
    if (page.next === undefined) return;
    after = page.next;
  }
}
