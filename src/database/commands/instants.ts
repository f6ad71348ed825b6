import type { Instant } from '../../clock/clock.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';

export const ticksOf = (at: Instant): bigint => ticksOfUnixMilliseconds(Math.round(at));
export const ticksOrNull = (at: Instant | undefined): bigint | null => (at === undefined ? null : ticksOf(at));
