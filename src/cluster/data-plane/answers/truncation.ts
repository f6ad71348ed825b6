import { kustoError } from '../errors/kusto-error.ts';
import type { KustoError } from '../errors/kusto-error.ts';
import type { RequestLimits } from '../../../database/catalog/workload-group.ts';
import { limited } from '../requests/group-limits.ts';
import type { RequestOptions } from '../requests/request-options.ts';

/** @see Kusto "Query limits": 500,000 records and 64 MiB over all results of a query */
const defaultRecords = 500_000;
const defaultBytes = 64 * 1024 * 1024;

export interface TruncationLimits {
  readonly records: number;
  readonly bytes: number;
}

/** `notruncation` counts only while no other limit is set, and for what the workload group lets be more.
 * @param group what the workload group of the request limits */
export function truncationLimits(
  options: RequestOptions,
  { MaxResultRecords, MaxResultBytes }: Pick<RequestLimits, 'MaxResultRecords' | 'MaxResultBytes'> = {},
): TruncationLimits {
  const { truncationMaxRecords, truncationMaxSize, takeMaxRecords } = options;
  const anySet = [truncationMaxRecords, truncationMaxSize, takeMaxRecords].some((limit) => limit !== undefined);
  const unlimited = options.notruncation && !anySet ? Infinity : undefined;
  return {
    records: limited(MaxResultRecords, truncationMaxRecords ?? unlimited) ?? defaultRecords,
    bytes: limited(MaxResultBytes, truncationMaxSize ?? unlimited) ?? defaultBytes,
  };
}

export const truncationStatusCode = -2133196797;

const limitText = (what: string): string =>
  `Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set limit of ${what}, so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits for more information and possible solutions..`;

/** Counts what goes out and says where it must end. */
export class ResultBudget {
  #records: number;
  #bytes: number;
  readonly #limits: TruncationLimits;

  constructor(limits: TruncationLimits) {
    this.#limits = limits;
    this.#records = limits.records;
    this.#bytes = limits.bytes;
  }

  /** @returns how many of the rows may go out, and the failure when they are not all */
  take(rows: readonly string[]): { readonly count: number; readonly exceeded?: KustoError } {
    const count = Math.min(rows.length, this.#records);
    this.#records -= count;
    for (let row = 0; row < count; row += 1) {
      this.#bytes -= rows[row]?.length ?? 0;
      if (this.#bytes < 0)
        return { count: row, exceeded: kustoError('limits', limitText(`${this.#limits.bytes} bytes`)) };
    }
    if (count === rows.length) return { count };
    return { count, exceeded: kustoError('limits', limitText(`${this.#limits.records} records`)) };
  }
}
