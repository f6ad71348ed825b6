import type { ShownEvents } from '../../server/audit-routes.ts';
import type { ControlClient } from '../control-client.ts';
import { UserError } from '../user-error.ts';

export interface FilterOptions {
  readonly data?: string;
  readonly vault?: string;
  /** Id of a resource or subscription, with all below it. */
  readonly resource?: string;
  readonly operation?: string;
  readonly from?: string;
  readonly to?: string;
}

/** One page of events. */
export async function askEvents(
  client: ControlClient,
  { vault, resource, operation, from, to }: FilterOptions,
  page: Readonly<Record<string, string>>,
): Promise<ShownEvents> {
  if (from !== undefined && to !== undefined && from >= to)
    throw new UserError('--from is not before --to.', 'Give the earlier time with --from.');
  const wanted = Object.entries({ vault, resource, operation, from, to }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const query = new URLSearchParams([...wanted, ...Object.entries(page)]);
  return (await client.call('GET', `/audit/events?${query.toString()}`)) as ShownEvents;
}
