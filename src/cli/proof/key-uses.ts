import { askEvents } from '../audit/event-query.ts';
import type { ControlClient } from '../control-client.ts';
import type { KeyUse } from './fold-key-uses.ts';
import { foldKeyUses } from './fold-key-uses.ts';

/** What was ever asked of keys, in the order of the first request. @param wanted unversioned, lower case
 * @throws UserError when the audit cannot be read */
export async function keyUses(client: ControlClient, wanted: ReadonlySet<string>): Promise<readonly KeyUse[]> {
  const vaults = new Set([...wanted].map((key) => new URL(key).hostname.split('.')[0] ?? ''));
  const uses = foldKeyUses(wanted);
  for (const vault of vaults) {
    let after: number | undefined;
    do {
      const page = await askEvents(client, { vault }, after === undefined ? {} : { after: String(after) });
      for (const { event } of page.events) uses.add(event);
      after = page.next;
    } while (after !== undefined);
  }
  return uses.result();
}
