import { armErrors } from '../../arm/arm-errors.ts';
import type { FilterComparison } from '../../arm/filter.ts';
import { parseFilter, unsupportedTerm } from '../../arm/filter.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toIso } from '../../clock/clock.ts';

const equalNames = [
  'resourceGroupName',
  'resourceUri',
  'resourceProvider',
  'correlationId',
  'caller',
  'status',
] as const;
type EqualName = (typeof equalNames)[number];

/** What events of the activity log are asked for. */
export interface ActivityFilter {
  /** ISO times, both included. */
  readonly from: string;
  readonly to: string;
  readonly equal: Readonly<Partial<Record<EqualName, string>>>;
}

const dayMs = 86_400_000;
/** So far back the service lets see. */
const daysMax = 90;

/** `eventTimestamp ge '…' and eventTimestamp le '…' and resourceGroupName eq '…'`: a time from which on there must be.
 * @throws ArmError 400, also for what is not supported, by its name */
export function parseActivityFilter(text: string | undefined, now: Instant): ActivityFilter {
  if (text === undefined || text.trim() === '')
    throw armErrors.InvalidFilterInQueryString("it must say from when on: eventTimestamp ge '…'.");
  const [terms = [], ...others] = parseFilter(text);
  if (others.length > 0) throw armErrors.InvalidFilterInQueryString("'or' is not supported here.");
  const times: { from?: string; to?: string } = {};
  const equal: Partial<Record<EqualName, string>> = {};
  for (const term of terms) {
    if (term.kind !== 'comparison') throw unsupportedTerm(term);
    const side = sideOf(term);
    if (side !== undefined) {
      times[side] = timeOf(term);
      continue;
    }
    const name = equalNames.find((one) => one.toLowerCase() === term.property.toLowerCase());
    const alias = term.property.toLowerCase() === 'resourceid' ? 'resourceUri' : name;
    if (alias === undefined || term.operator !== 'eq') throw unsupportedTerm(term);
    equal[alias] = term.value;
  }
  const { from, to = toIso(now) } = times;
  if (from === undefined)
    throw armErrors.InvalidFilterInQueryString("it must say from when on: eventTimestamp ge '…'.");
  if (from < toIso(instant(now - daysMax * dayMs)))
    throw armErrors.InvalidFilterInQueryString(`it begins more than ${daysMax} days ago.`);
  if (from > to) throw armErrors.InvalidFilterInQueryString('its time ends before it begins.');
  return { from, to, equal };
}

function sideOf({ property, operator }: FilterComparison): 'from' | 'to' | undefined {
  if (property.toLowerCase() !== 'eventtimestamp') return undefined;
  return operator === 'ge' ? 'from' : operator === 'le' ? 'to' : undefined;
}

/** The Azure CLI writes times in UTC without saying so. */
function timeOf({ value }: FilterComparison): string {
  const time = Date.parse(/T[\d:.]+$/.test(value) ? `${value}Z` : value);
  if (Number.isNaN(time)) throw armErrors.InvalidFilterInQueryString(`'${value.slice(0, 100)}' is no time.`);
  return new Date(time).toISOString();
}
