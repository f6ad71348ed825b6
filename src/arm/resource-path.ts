import { armErrors } from './arm-errors.ts';

const segmentsMax = 64;
const segmentCharsMax = 512;

/** Path segments, percent-decoded once, case kept; doubled and trailing slashes count for nothing. An encoded slash stays inside its
 * segment: whoever routes refuses it (`hasSlash`).
 * @throws ArmError 400 for bad percent-encoding, a control character, a backslash, dots alone, or too long a path */
export function parsePath(path: string): readonly string[] {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length > segmentsMax) throw armErrors.InvalidRequestUri();
  return segments.map(decodeSegment);
}

function decodeSegment(encoded: string): string {
  let segment: string;
  try {
    segment = decodeURIComponent(encoded);
  } catch {
    throw armErrors.InvalidRequestUri();
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (segment.length > segmentCharsMax || /[\u0000-\u001f\u007f\\]/.test(segment) || /^\.{1,2}$/.test(segment)) {
    throw armErrors.InvalidRequestUri();
  }
  return segment;
}

export const hasSlash = (segment: string): boolean => segment.includes('/');

/** The resource or scope that a path is about, for authorization: `/subscriptions/S/resourceGroups/G/providers/N/type/name` without an action
 * or the type of a list at its end, else the resource group or subscription. `/` for tenant-level paths. */
export function scopeOfPath(segments: readonly string[]): string {
  let end = 0;
  if (is(segments[0], 'subscriptions') && segments.length >= 2) {
    end = is(segments[2], 'resourceGroups') && segments.length >= 4 ? 4 : 2;
  }
  if (is(segments[end], 'providers') && segments.length >= end + 4) {
    const pairs = Math.floor((segments.length - end - 2) / 2);
    end += 2 + pairs * 2;
  }
  return `/${segments.slice(0, end).join('/')}`;
}

/** The subscription and group that a path lies in; undefined where it lies in none. */
export function containersOfPath(segments: readonly string[]): {
  readonly subscriptionId: string | undefined;
  readonly resourceGroupName: string | undefined;
} {
  if (!is(segments[0], 'subscriptions')) return { subscriptionId: undefined, resourceGroupName: undefined };
  return {
    subscriptionId: segments[1],
    resourceGroupName: is(segments[2], 'resourceGroups') ? segments[3] : undefined,
  };
}

export interface ResourceId {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  /** `Microsoft.KeyVault` */
  readonly namespace: string;
  /** `Microsoft.KeyVault/vaults`, nested types after further slashes. */
  readonly type: string;
  /** `v`, or `cluster/database` for a nested resource. */
  readonly name: string;
}

/** @returns undefined unless the text is the id of a resource in a resource group; case is kept */
export function parseResourceId(text: string): ResourceId | undefined {
  const segments = text.split('/').slice(1);
  const [subscriptions, subscriptionId, groups, resourceGroupName, providers, namespace, ...rest] = segments;
  if (!text.startsWith('/') || segments.includes('') || rest.length < 2 || rest.length % 2 !== 0) return undefined;
  if (!is(subscriptions, 'subscriptions') || !is(groups, 'resourceGroups') || !is(providers, 'providers'))
    return undefined;
  if (subscriptionId === undefined || resourceGroupName === undefined || namespace === undefined) return undefined;
  const type = [namespace, ...rest.filter((_, at) => at % 2 === 0)].join('/');
  const name = rest.filter((_, at) => at % 2 === 1).join('/');
  return { subscriptionId, resourceGroupName, namespace, type, name };
}

const is = (segment: string | undefined, literal: string): boolean => segment?.toLowerCase() === literal.toLowerCase();
