import type { AuditedEvent } from '../api/control.ts';
import { isObject } from '../api/request.ts';

/** A moment of a key's or cluster's life. */
export interface Moment {
  readonly sequence: number;
  /** ISO */
  readonly time: string;
  /** `KeyUnwrap`, or `Microsoft.Kusto/clusters/write` */
  readonly operation: string;
  /** Name, or id of an application. */
  readonly who: string;
  /** Empty when it went well. */
  readonly refusal: string;
  /** How often it happened so, one after the other, up to `time`. */
  readonly times: number;
  readonly address: string;
}

/** What happened, the newest first; what a cluster does every half minute stands there once, with how often. */
export function timelineOf(events: readonly AuditedEvent[]): readonly Moment[] {
  const moments: Moment[] = [];
  const ordered = [...new Map(events.map((event) => [event.sequence, event])).values()];
  ordered.sort((left, right) => right.sequence - left.sequence);
  for (const moment of ordered.map(momentOf)) {
    const same = moments.slice(-2).findIndex((one) => isRoutine(moment) && isSame(one, moment));
    if (same === -1) moments.push(moment);
    else {
      const index = moments.length - Math.min(2, moments.length) + same;
      const known = moments[index];
      if (known !== undefined) moments[index] = { ...known, times: known.times + 1 };
    }
  }
  return moments;
}

const isRoutine = ({ operation }: Moment): boolean => /^Key(?:Get|Unwrap)$/.test(operation);
const isSame = (left: Moment, right: Moment): boolean =>
  left.operation === right.operation && left.who === right.who && left.refusal === right.refusal;

function momentOf({ sequence, event }: AuditedEvent): Moment {
  const isVault = event['category'] === 'AuditEvent';
  return { sequence, times: 1, ...(isVault ? vaultMoment(event) : administrativeMoment(event)) };
}

type Told = Omit<Moment, 'sequence' | 'times'>;

function vaultMoment(event: AuditedEvent['event']): Told {
  const claim = member(member(event, 'identity'), 'claim');
  const failed = text(event, 'resultSignature') !== 'OK';
  return {
    time: text(event, 'time'),
    operation: text(event, 'operationName'),
    who:
      text(claim, 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn') ||
      text(claim, 'appid') ||
      text(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier'),
    refusal: failed ? text(event, 'resultDescription') || text(event, 'resultSignature') : '',
    address: text(member(event, 'properties'), 'id'),
  };
}

function administrativeMoment(event: AuditedEvent['event']): Told {
  const status = text(member(event, 'status'), 'value');
  return {
    time: text(event, 'eventTimestamp'),
    operation: text(member(event, 'operationName'), 'value'),
    who: text(member(event, 'claims'), 'name') || text(event, 'caller'),
    refusal: status === 'Failed' ? text(member(event, 'subStatus'), 'value') || status : '',
    address: text(event, 'resourceId'),
  };
}

const member = (object: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> => {
  const value = object[name];
  return isObject(value) ? value : {};
};

const text = (object: Readonly<Record<string, unknown>>, name: string): string => {
  const value = object[name];
  return typeof value === 'string' ? value : '';
};
