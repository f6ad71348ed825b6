import type { Farewell } from '../messages/protocol.ts';

/** What clients of a cluster hear that does not serve (any more). @param cluster its name */
export const farewellText = (cluster: string, farewell: Farewell): string =>
  farewell.kind === 'suspended'
    ? `The cluster '${cluster}' is suspended: ${farewell.reason}`
    : `The cluster '${cluster}' is stopped. Start it to reach its data.`;
