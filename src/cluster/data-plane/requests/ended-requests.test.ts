import { describe, expect, it } from 'vitest';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { instant } from '../../../clock/clock.ts';
import type { EndedRequest, RequestView } from '../../../database/commands/command-context.ts';
import { toldNameUnitsMax, toldTextUnitsMax } from '../../messages/ended-requests.ts';
import { EndedRequests } from './ended-requests.ts';

const now = instant(Date.UTC(2026, 0, 1));
const viewOf = (text: string, more: Partial<RequestView> = {}): RequestView => ({
  ...{ clientRequestId: 'id', text, database: 'db', startedOn: now, activityId: newGuid(systemRandomBytes) },
  ...{ principal: 'p', user: 'u', application: 'a', kind: 'query', ...more },
});
const ended: EndedRequest = { on: now, milliseconds: 1, state: 'Completed', failure: '' };

function start(limits = { requestsMax: 4, unitsMax: 100 }) {
  const requests = new EndedRequests({ randomBytes: systemRandomBytes, monotonicMs: () => 5, limits });
  const add = (...texts: readonly string[]) => texts.forEach((text) => requests.add(viewOf(text), ended));
  const told = (call: Partial<Parameters<EndedRequests['list']>[0]> = {}) => {
    const reply = requests.list({ dropTo: 0, after: 0, limit: 100, ...call });
    if (reply.outcome !== 'listed') throw new Error('they are listed');
    return { ...reply, texts: reply.requests.map(({ text }) => text) };
  };
  return { requests, add, told };
}

describe('requests that are over', () => {
  it('are told from where one was, as many as are asked for, and dropped once everybody has them', () => {
    const { add, told } = start();
    add('a', 'b', 'c');
    const { bufferId, texts, last } = told({ limit: 2 });
    expect([texts, last]).toEqual([['a', 'b'], 3]);
    expect(told({ bufferId, after: 2 }).texts).toEqual(['c']);
    expect(told({ bufferId, after: 1 }).texts).toEqual(['b', 'c']);
    expect(told({ bufferId, after: 2, dropTo: 2 }).texts).toEqual(['c']);
    expect(told({ bufferId }).texts).toEqual(['c']);
  });

  it('of another process mean nothing: all that this one has is told, and nothing is dropped', () => {
    const { add, told } = start();
    add('a', 'b');
    expect(told({ bufferId: newGuid(systemRandomBytes), after: 2, dropTo: 2 }).texts).toEqual(['a', 'b']);
    expect(told({ after: 2, dropTo: 2 }).texts).toEqual(['a', 'b']);
  });

  it('beyond the limits go, the oldest first, and that is counted once somebody waits for them', () => {
    const { add, told, requests } = start();
    add('unasked');
    expect([requests.isAwaited, told().lost, requests.isAwaited]).toEqual([false, 0, true]);
    add('a', 'b', 'c', 'd', 'e');
    expect(told()).toMatchObject({ texts: ['b', 'c', 'd', 'e'], lost: 2, last: 6 });
    add('x'.repeat(98));
    expect(told()).toMatchObject({ texts: ['d', 'e', 'x'.repeat(98)], lost: 4 });
  });

  it('are forgotten when nobody wants them any more', () => {
    const { add, told, requests } = start();
    add('a');
    told();
    expect(told({ limit: 0 }).texts).toEqual([]);
    expect(requests.isAwaited).toBe(false);
    add('b');
    expect(told().texts).toEqual(['b']);
  });

  it('are queries and commands of this cluster alone, cut to their bounds', () => {
    const { requests, told } = start({ requestsMax: 10, unitsMax: 1_000_000 });
    told();
    requests.add(viewOf('ingested', { kind: 'ingestion' }), ended);
    requests.add(viewOf('of a follower', { throughFollower: true }), ended);
    requests.add(viewOf('t'.repeat(toldTextUnitsMax + 9), { user: 'u'.repeat(toldNameUnitsMax + 9) }), ended);
    requests.add(viewOf('.create table T (a: long)', { kind: 'command' }), { ...ended, state: 'Failed', failure: 'F' });
    const [query, command] = told().requests;
    expect([query?.text.length, query?.user.length]).toEqual([toldTextUnitsMax, toldNameUnitsMax]);
    expect(command).toMatchObject({ commandType: 'TableCreate', state: 'Failed', failure: 'F', endedAtMs: 5 });
    expect(told().requests).toHaveLength(2);
  });
});
