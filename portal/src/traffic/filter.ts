import type { SeenRequest } from '../api/traffic.ts';

export interface Filter {
  /** Every word of it stands somewhere. */
  readonly text: string;
  /** Empty: all. */
  readonly plane: string;
  readonly failedOnly: boolean;
}

export const hasFailed = ({ status, aborted }: SeenRequest): boolean => status >= 400 || aborted === true;

export function filtered(requests: readonly SeenRequest[], filter: Filter): readonly SeenRequest[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return requests.filter(
    (request) =>
      (filter.plane === '' || request.plane === filter.plane) &&
      (!filter.failedOnly || hasFailed(request)) &&
      words.every((word) => textOf(request).includes(word)),
  );
}

const textOf = ({ method, host, path, status, operation, code, message, ...ids }: SeenRequest): string =>
  [method, host, path, status, operation, code, message]
    .concat(ids.requestId, ids.correlationId, ids.clientRequestId, ids.callerId, ids.appId)
    .join('\n')
    .toLowerCase();
