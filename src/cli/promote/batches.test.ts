import { describe, expect, it } from 'vitest';
import type { Bin } from './batches.ts';
import { batchesOf, hoursToDivide, rowsOf } from './batches.ts';
import { numbersIn, readRecord, recordCommand, tagOf } from './promotion-record.ts';
import { phasesOf, tablesWithUpdatePolicy, viewName } from './script-phases.ts';
import { exportCommand, nameOf } from './send-rows.ts';

const at = (day: number, hour: number, seconds = '00.0000000'): string =>
  `2026-01-0${day}T${String(hour).padStart(2, '0')}:00:${seconds}Z`;
const bin = (day: number, hour: number, rows: number, createdOn = at(day, hour)): Bin => ({
  ...{ bin: at(day, hour), to: at(day, hour, '09.0000000'), createdOn, rows },
});

describe('batches', () => {
  it('are neighbours of one day, up to so many rows, each after the one before', () => {
    const bins = [bin(1, 3, 40), bin(1, 2, 60), bin(1, 4, 1), bin(2, 1, 5), bin(2, 2, 200)];
    const batches = batchesOf(bins, 100, '', 1);
    expect(batches.map(({ number, rows }) => [number, rows])).toEqual([
      [1, 100],
      [2, 1],
      [3, 5],
      [4, 200],
    ]);
    expect(batches.map(({ after }) => after)).toEqual(['', ...batches.slice(0, -1).map(({ to }) => to)]);
    expect(rowsOf(batches)).toBe(306);
  });

  it('go on where the ones before end', () => {
    const [first] = batchesOf([bin(2, 1, 5)], 100, at(1, 9), 7);
    expect(first).toMatchObject({ number: 7, after: at(1, 9), rows: 5 });
    expect(batchesOf([], 100, at(1, 9), 7)).toEqual([]);
  });

  it('have the latest time of their extents, so that nothing of them is dropped too early', () => {
    const [first, second] = batchesOf(
      [bin(3, 1, 1, at(1, 1)), bin(3, 2, 1, at(1, 5)), bin(3, 3, 1, at(2, 0))],
      9,
      '',
      1,
    );
    expect([first?.createdOn, first?.rows, second?.createdOn]).toEqual([at(1, 5), 2, at(2, 0)]);
  });

  it('divide an hour with too many rows, or with extents of more than one day', () => {
    const bins = [bin(1, 1, 6), bin(1, 1, 5), bin(1, 2, 10), bin(1, 3, 1), bin(1, 3, 1, at(2, 1))];
    expect(hoursToDivide(bins, 10)).toEqual([at(1, 1), at(1, 3)]);
  });
});

describe('what is kept of a promotion', () => {
  it('are its batches, whatever tables are called', () => {
    const planned = {
      source: 'abc',
      table: `['a "b"']`,
      number: 1,
      after: '',
      to: at(1, 1),
      createdOn: at(1, 1),
      rows: 3,
    };
    const command = recordCommand([planned]);
    expect(command).toContain(
      `"abc", "['a \\"b\\"']", 1, datetime(null), datetime(${at(1, 1)}), datetime(${at(1, 1)}), 3`,
    );
    const row = {
      Source: 'abc',
      Table: planned.table,
      Batch: 1,
      After: '',
      To: at(1, 1),
      CreatedOn: at(1, 1),
      Rows: 3,
    };
    expect(readRecord([row])).toEqual([planned]);
    const many = Array.from({ length: 20_000 }, (_, index) => ({ ...planned, number: index }));
    expect(() => recordCommand(many)).toThrow('too many batches');
  });

  it('are tags of which none is taken for another', () => {
    const tags = [
      `ingest-by:${tagOf('abc', 1)}\r\ndrop-by:x`,
      `ingest-by:${tagOf('abc', 12)} ingest-by:${tagOf('abd', 3)}`,
    ];
    expect([...numbersIn(tags, 'abc')]).toEqual([1, 12]);
    expect([...numbersIn([`drop-by:${tagOf('abc', 1)}`], 'abc')]).toEqual([]);
  });
});

describe('commands of a script', () => {
  const lines = [
    '.create-merge table T (A:long)',
    `.create-merge table ['a (b)'] (A:long) with (folder="policy update")`,
    '.create-or-alter function with (skipvalidation="true") F() { T }',
    '.create-or-alter function with (skipvalidation="true") KustodyPromotion() { T }',
    '.create-or-alter external table E (A:long) kind=storage dataformat=csv (h@"https://x/y;*")',
    '.create-or-alter materialized-view V on table T { T | count }',
    '.create-or-alter materialized-view with (lookback=timespan(1d)) W on table T { T | count }',
    '.alter database D policy managed_identity "[]"',
    '.alter database D policy retention "{}"',
    '.alter materialized-view V policy caching hot = time(1d)',
    `.alter table ['a (b)'] policy update "[{}]"`,
    '.alter table T policy row_level_security enable "T"',
    '.add table T admins ("aadapp=a;b")',
  ];

  it('each have their place', () => {
    const phases = phasesOf(lines);
    expect(phases.before).toEqual([lines[0], lines[1], lines[2], lines[8]]);
    expect(phases.views).toEqual([
      '.create async ifnotexists materialized-view with (backfill=true) V on table T { T | count }',
      '.create async ifnotexists materialized-view with (backfill=true, lookback=timespan(1d)) W on table T { T | count }',
    ]);
    expect(phases.after).toEqual([lines[9], lines[10], lines[11]]);
    expect(phases.roles).toEqual([lines[12]]);
    expect(phases.left.map((text) => text.split('\n')[0])).toEqual([lines[4], lines[7]]);
    expect(phases.tables).toEqual(['T', `['a (b)']`]);
    expect([[...phases.secured], [...phases.derived]]).toEqual([['T'], [`['a (b)']`]]);
    expect(phases.views.map(viewName)).toEqual(['V', 'W']);
  });

  it('that are not known are refused, not left out', () => {
    expect(() => phasesOf(['.create-or-alter something new'])).toThrow(
      'not known to promote: .create-or-alter something',
    );
  });

  it('say which tables have update policies', () => {
    expect(tablesWithUpdatePolicy([...lines, '.alter table U policy update "[]"'])).toEqual([`['a (b)']`]);
  });

  it('name what they export without its name being anything else', () => {
    expect(nameOf(`['a \\'b']`)).toBe("a 'b");
    expect(nameOf('T')).toBe('T');
    const batch = { number: 2, after: at(1, 1), to: at(1, 2), createdOn: at(1, 2), rows: 1 };
    expect(exportCommand('T', batch, 'C')).toMatch(
      /<= datetime\(2026-01-01T02[^)]*\) and ingestion_time\(\) > datetime\(2026-01-01T01/,
    );
  });
});
