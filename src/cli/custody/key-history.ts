import { askEvents } from '../audit/event-query.ts';
import type { ControlClient } from '../control-client.ts';
import type { KeyHistory } from './fold-history.ts';
import { foldHistory } from './fold-history.ts';

/** Reads the whole log once. @throws TooLongHistoryError rather than to forget something */
export async function readKeyHistory(client: Pick<ControlClient, 'call'>): Promise<KeyHistory> {
  const folding = foldHistory();
  let after: number | undefined;
  do {
    const page = await askEvents(client as ControlClient, {}, { after: String(after ?? 0) });
    for (const event of page.events) folding.add(event);
    after = page.next;
  } while (after !== undefined);
  return folding.result();
}
