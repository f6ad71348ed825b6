import { describe, expect, it } from 'vitest';
import type { Guid } from '../../../base/guid.ts';
import { instant } from '../../../clock/clock.ts';
import type { Streamed } from './streaming-history.ts';
import { bucketsMax, StreamingHistory } from './streaming-history.ts';

const start = Date.UTC(2026, 0, 1);
const day = 86_400_000;
const one = (more: Partial<Streamed> = {}): Streamed => ({
  ...{ database: 'db', table: 'T', principal: 'p', format: 'csv', mappingName: undefined, on: instant(start) },
  ...{ milliseconds: 4, bytes: 10, rows: 2, ...more },
});
const rootActivityId = '11111111-1111-1111-1111-111111111111' as Guid;
const failure = { kind: 'Permanent', code: 'BadRequest_x', details: 'no', rootActivityId } as const;

describe('what was streamed', () => {
  it('is summed up where it is alike within a minute', () => {
    const history = new StreamingHistory();
    history.add(one());
    history.add(one({ on: instant(start + 59_999), milliseconds: 8, bytes: 5, rows: 9 }));
    history.add(one({ on: instant(start + 60_000) }));
    const [later, first] = history.list(instant(start + day));
    expect(first).toEqual({
      ...{ database: 'db', table: 'T', principal: 'p', properties: '{"format":"csv"}', count: 2 },
      ...{ firstOn: start, lastOn: start + 59_999 },
      ...{ durations: { sum: 12, least: 4, most: 8 }, sizes: { sum: 15, least: 5, most: 10 } },
      rows: { sum: 11, least: 2, most: 9 },
    });
    expect(later).toMatchObject({ count: 1, firstOn: start + 60_000 });
  });

  it.each<[string, Partial<Streamed>]>([
    ['database', { database: 'other' }],
    ['table', { table: 'U' }],
    ['principal', { principal: 'q' }],
    ['format', { format: 'json' }],
    ['mapping', { mappingName: 'm' }],
    ['outcome', { failure }],
  ])('is told apart by its %s', (_what, more) => {
    const history = new StreamingHistory();
    history.add(one());
    history.add(one(more));
    expect(history.list(instant(start)).map(({ count }) => count)).toEqual([1, 1]);
  });

  it('is told apart by the code of its failure, and keeps the first', () => {
    const history = new StreamingHistory();
    history.add(one({ failure }));
    history.add(one({ failure: { ...failure, details: 'never' } }));
    history.add(one({ failure: { ...failure, code: 'BadRequest_y' } }));
    expect(history.list(instant(start)).map(({ count, failure: told }) => [count, told?.code, told?.details])).toEqual([
      [1, 'BadRequest_y', 'no'],
      [2, 'BadRequest_x', 'no'],
    ]);
  });

  it('is forgotten after fourteen days, and before where there is too much of it', () => {
    const history = new StreamingHistory();
    for (let number = 0; number < bucketsMax + 5; number += 1) history.add(one({ mappingName: `m${number}` }));
    const kept = history.list(instant(start + 14 * day - 1));
    expect([kept.length, kept.at(-1)?.properties]).toEqual([
      bucketsMax,
      '{"format":"csv","ingestionMappingReference":"m5"}',
    ]);
    expect(history.list(instant(start + 14 * day))).toEqual([]);
  });

  it('keeps of long texts how they begin', () => {
    const history = new StreamingHistory();
    history.add(one({ format: 'f'.repeat(100_000), failure: { ...failure, details: 'd'.repeat(100_000) } }));
    expect(JSON.stringify(history.list(instant(start))).length).toBeLessThan(3_000);
  });
});
