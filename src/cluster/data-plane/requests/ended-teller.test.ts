import { describe, expect, it } from 'vitest';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { instant } from '../../../clock/clock.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import { readEndedElsewhere } from '../../messages/requests-elsewhere.ts';
import { EndedTeller } from './ended-teller.ts';
import { requestsEverywhere } from './requests-everywhere.ts';
import { historyLimits, RunningRequests } from './running-requests.ts';

const viewOf = (clientRequestId: string, more: Partial<RequestView> = {}): RequestView => ({
  ...{ clientRequestId, text: 'T', database: 'db', startedOn: instant(0), activityId: newGuid(systemRandomBytes) },
  ...{ principal: 'p', user: 'u', application: 'a', kind: 'query', ...more },
});
const over = { on: instant(5), milliseconds: 5, state: 'Completed', failure: '' } as const;
const idsOf = (requests: readonly RequestView[]): string[] => requests.map((one) => one.clientRequestId);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('EndedTeller', () => {
  it('tells of all that end, those that end meanwhile in one message, and knows what was not told', async () => {
    const sent: string[][] = [];
    let told = (): void => undefined;
    const teller = new EndedTeller(historyLimits, (requests) => {
      sent.push(idsOf(requests));
      return new Promise((resolve) => (told = () => resolve(undefined)));
    });
    for (const id of ['a', 'b']) teller.add(viewOf(id), over);
    await turn();
    for (const id of ['c', 'd']) teller.add(viewOf(id), over);
    expect({ sent, untold: idsOf(teller.untold()) }).toEqual({ sent: [['a', 'b']], untold: ['a', 'b', 'c', 'd'] });
    told();
    await turn();
    expect({ sent, untold: idsOf(teller.untold()) }).toEqual({
      sent: [
        ['a', 'b'],
        ['c', 'd'],
      ],
      untold: ['c', 'd'],
    });
    told();
    await turn();
    expect(teller.untold()).toEqual([]);
  });

  it('holds as little as a history, and says nothing that the other end would refuse', async () => {
    const limits = { requestsMax: 3, textUnitsMax: 10, unitsMax: 200_000 };
    const sent: unknown[] = [];
    const teller = new EndedTeller(limits, (requests) => Promise.resolve(sent.push({ requests })));
    const long = 'x'.repeat(1_000_000);
    for (const id of ['a', 'b', 'c', 'd']) teller.add(viewOf(id), over);
    expect(idsOf(teller.untold())).toEqual(['b', 'c', 'd']);
    for (const id of ['e', 'f', long])
      teller.add(viewOf(id, { text: long, database: long, user: long, application: long }), { ...over, failure: long });
    expect(teller.untold()).toHaveLength(2);
    await turn();
    expect(() => sent.map(readEndedElsewhere)).not.toThrow();
  });
});

describe('requestsEverywhere', () => {
  const place = { machines: { coresPerNode: 2, nodes: 1 } };
  const begin = (running: RunningRequests, view: RequestView) =>
    running.begin({ view, controller: new AbortController() }, place);

  it('shows what runs and ran in every process once, newest first, and as it is known here', async () => {
    const running = new RunningRequests();
    begin(running, viewOf('here', { startedOn: instant(10) }));
    begin(running, viewOf('over here')).end(over);
    const moved = viewOf('told meanwhile');
    running.endedElsewhere(moved, { ...over, on: instant(3) });
    const elsewhere = [
      viewOf('there', { startedOn: instant(20) }),
      moved,
      { ...viewOf('over there'), ended: { ...over, on: instant(9) } },
    ];
    const call = (() => Promise.resolve({ requests: elsewhere })) as unknown as CallMain;
    const shown = await requestsEverywhere(running, call).list();
    expect(idsOf(shown)).toEqual(['there', 'here', 'over there', 'over here', 'told meanwhile']);
  });

  it('ends what has the id in every process, and only what its sender may', async () => {
    const running = new RunningRequests();
    begin(running, viewOf('x', { principal: 'me' }));
    const asked: unknown[] = [];
    const call = ((_: string, body: unknown) => (
      asked.push(body),
      Promise.resolve({ count: 2 })
    )) as unknown as CallMain;
    const { cancel } = requestsEverywhere(running, call);
    expect(await cancel('x', 'you')).toBe(2);
    expect(await cancel('x', 'me')).toBe(3);
    expect(await cancel('x')).toBe(3);
    expect(asked).toEqual([
      { clientRequestId: 'x', principal: 'you' },
      { clientRequestId: 'x', principal: 'me' },
      { clientRequestId: 'x' },
    ]);
  });
});
