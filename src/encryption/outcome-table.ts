import type { KeyFailure, KeyFailureCause, KeyFailureKind } from './key-wrapper.ts';

/** What was seen of one vault call that gave no key. `code` and `inner` are the vault's own error codes. */
export type VaultObservation =
  | { readonly seen: 'noSuchHost'; readonly host: string }
  | { readonly seen: 'noToken'; readonly reason: string }
  | { readonly seen: 'credentialRefused'; readonly reason: string }
  | { readonly seen: 'timeout' }
  | { readonly seen: 'unreachable'; readonly message: string }
  | {
      readonly seen: 'answer';
      readonly status: number;
      readonly code?: string;
      readonly inner?: string;
      readonly message?: string;
    }
  | { readonly seen: 'wrongLength'; readonly message: string }
  | { readonly seen: 'mismatch'; readonly message: string }
  | { readonly seen: 'other'; readonly message: string };

interface OutcomeRow {
  readonly seen: VaultObservation['seen'];
  /** One status, or from–to. */
  readonly status?: number | readonly [number, number];
  readonly inner?: string;
  readonly kind: KeyFailureKind;
  readonly cause: KeyFailureCause;
}

const refusal = 'refusal';
const outage = 'outage';
const integrity = 'integrity';

/** Which outcome takes a key away (refusal), which only hides it (outage) and which is neither (integrity).
 * The first row that fits counts; anything that no row names is an outage, so that a surprise never suspends a cluster. */
export const outcomeTable: readonly OutcomeRow[] = [
  { seen: 'noSuchHost', kind: refusal, cause: 'noSuchHost' },
  { seen: 'noToken', kind: refusal, cause: 'noIdentity' },
  { seen: 'credentialRefused', kind: refusal, cause: 'credentialRefused' },
  { seen: 'answer', status: 401, kind: refusal, cause: 'unauthorized' }, // the caller has tried one fresh token
  { seen: 'answer', status: 403, inner: 'ForbiddenByPolicy', kind: refusal, cause: 'forbiddenByPolicy' },
  { seen: 'answer', status: 403, inner: 'AccessDenied', kind: refusal, cause: 'forbiddenByPolicy' }, // its older name
  { seen: 'answer', status: 403, inner: 'ForbiddenByRbac', kind: refusal, cause: 'forbiddenByRbac' },
  { seen: 'answer', status: 403, inner: 'ForbiddenByFirewall', kind: refusal, cause: 'forbiddenByFirewall' },
  { seen: 'answer', status: 403, inner: 'KeyDisabled', kind: refusal, cause: 'keyDisabled' },
  { seen: 'answer', status: 403, inner: 'KeyExpired', kind: refusal, cause: 'keyExpired' },
  { seen: 'answer', status: 403, inner: 'KeyNotYetValid', kind: refusal, cause: 'keyNotYetValid' },
  { seen: 'answer', status: 403, inner: 'KeyOperationForbidden', kind: refusal, cause: 'keyOperationForbidden' },
  { seen: 'answer', status: 403, kind: refusal, cause: 'forbidden' },
  { seen: 'answer', status: 404, kind: refusal, cause: 'keyNotFound' },
  { seen: 'answer', status: 400, kind: integrity, cause: 'badRequest' },
  { seen: 'answer', status: 429, kind: outage, cause: 'throttled' },
  { seen: 'answer', status: [500, 599], kind: outage, cause: 'serverError' },
  { seen: 'timeout', kind: outage, cause: 'timeout' },
  { seen: 'unreachable', kind: outage, cause: 'unreachable' },
  { seen: 'wrongLength', kind: integrity, cause: 'wrongLength' },
  { seen: 'mismatch', kind: integrity, cause: 'mismatch' },
];

const messageCharsMax = 1000;

export function classifyOutcome(observation: VaultObservation): KeyFailure {
  const row = outcomeTable.find((candidate) => fits(candidate, observation));
  const status = observation.seen === 'answer' ? observation.status : undefined;
  return {
    outcome: 'failed',
    kind: row?.kind ?? outage,
    cause: row?.cause ?? 'unknown',
    ...(status === undefined ? {} : { status }),
    message: messageOf(observation).slice(0, messageCharsMax),
  };
}

function fits(row: OutcomeRow, observation: VaultObservation): boolean {
  if (row.seen !== observation.seen) return false;
  if (observation.seen !== 'answer') return true;
  if (row.inner !== undefined && row.inner.toLowerCase() !== observation.inner?.toLowerCase()) return false;
  if (row.status === undefined) return true;
  const [from, to] = typeof row.status === 'number' ? [row.status, row.status] : row.status;
  return observation.status >= from && observation.status <= to;
}

function messageOf(observation: VaultObservation): string {
  switch (observation.seen) {
    case 'noSuchHost':
      return `There is no host named ${observation.host}.`;
    case 'noToken':
    case 'credentialRefused':
      return observation.reason;
    case 'timeout':
      return 'The vault did not answer in time.';
    case 'answer':
      return observation.message ?? `The vault answered ${observation.status} without a message.`;
    case 'unreachable':
    case 'wrongLength':
    case 'mismatch':
    case 'other':
      return observation.message;
  }
}
