import { describe, expect, it } from 'vitest';
import { parseDatetime } from '../../kql/values/ticks.ts';
import type { ExternalPartition } from './external-table.ts';
import { matchPath, parsePathFormat, pathPrefix, renderPath, requirePartition } from './path-format.ts';

const at = (text: string): bigint => parseDatetime(text) ?? 0n;
const name: ExternalPartition = { name: 'Name', type: 'string' };
const day: ExternalPartition = { name: 'Day', type: 'datetime', of: { column: 'At', call: 'startofday' } };
const values = new Map<string, string | bigint>([
  ['Name', 'ann'],
  ['Day', at('2026-03-04')],
]);

describe('a path format', () => {
  it.each([
    ['"customer=" Name "/date=" datetime_pattern("yyyyMMdd", Day)', 'customer=ann/date=20260304/'],
    ['Name "/" Day', 'ann/2026/03/04/'],
    [String.raw`datetime_pattern("'year='yyyy'/month='MM'/'dd", Day) "/" Name`, 'year=2026/month=03/04/ann/'],
    ['datetime_pattern("year={yyyy}/month={MM}/{dd}", Day) "/" [\'Name\'] "/"', 'year=2026/month=03/04/ann/'],
    ['', 'ann/2026/03/04/'],
    ['"/in/" Day "_" Name', 'in/2026/03/04_ann/'],
  ])('%s renders and matches %s', (text, path) => {
    const format = parsePathFormat(text, [name, day]);
    expect(renderPath(format, values)).toBe(path);
    expect(matchPath(format, `${path}x/file.csv`)).toEqual(values);
  });

  it.each([
    ['yyyy', { call: 'startofyear' }],
    ['yyyy/MM', { call: 'startofmonth' }],
    ['yyyy/MM/dd', { call: 'startofweek' }],
    ['yyyy/MM/dd', { call: 'bin', argument: '1d' }],
    ['yyyy/MM/dd/HH', { call: 'bin', argument: '1h' }],
    ['yyyy/MM/dd/HH/mm', { call: 'bin', argument: '1m' }],
  ])('has %s for %j unless it says otherwise', (pattern, call) => {
    const partition = { name: 'P', type: 'datetime', of: { column: 'At', ...call } };
    const written = parsePathFormat(`datetime_pattern("${pattern}", P)`, [partition]);
    expect(parsePathFormat('', [partition])).toEqual(written);
  });

  it('has no other paths', () => {
    const format = parsePathFormat('"n=" Name "/" datetime_pattern("yyyy-MM", Day)', [name, day]);
    for (const path of ['n=ann/2026-13/f', 'n=ann/2026-3/f', 'ann/2026-03/f', 'n=ann/2026-03', 'n=ann'])
      expect(matchPath(format, path)).toBeUndefined();
    expect(matchPath(format, 'n=__DEFAULT_PARTITION__/2026-03/f')?.get('Name')).toBe('');
  });

  it('calls no folder by what is none', () => {
    const format = parsePathFormat('"n=" Name', [name]);
    for (const text of ['', '..', 'a/b', 'a?b', 'a\\b', 'x'.repeat(201)])
      expect(renderPath(format, new Map([['Name', text]]))).toBe('n=__DEFAULT_PARTITION__/');
    expect(renderPath(format, new Map())).toBe('n=__DEFAULT_PARTITION__/');
  });

  it('begins with what is known', () => {
    const format = parsePathFormat('"n=" Name "/" Day', [name, day]);
    expect(pathPrefix(format, new Map())).toBe('n=');
    expect(pathPrefix(format, new Map([['Name', 'ann']]))).toBe('n=ann/');
  });

  it.each([
    ['Name Day', /set apart by a text/],
    ['"x"', /names every partition once/],
    ['Name "/" Name "/" Day', /names every partition once/],
    ['Name "/" Other', /'Other', which is no partition/],
    ['Name + Day', /cannot be read/],
    ['Name "/" datetime_pattern("qq", Day)', /pattern 'qq' is not supported/],
  ])('%s is refused', (text, why) => {
    expect(() => parsePathFormat(text, [name, day])).toThrow(why);
  });

  it.each([
    ['long', 'hash', undefined],
    ['long', 'hash', '0'],
    ['long', 'hash', '-3'],
    ['datetime', 'hash', '10'],
    ['datetime', 'bin', '0d'],
    ['datetime', 'bin', undefined],
    ['datetime', 'startofhour', undefined],
    ['long', undefined, undefined],
  ])('has no partition of type %s by %s(%s)', (type, call, argument) => {
    const of = { column: 'C', ...(call && { call }), ...(argument && { argument }) };
    expect(() => requirePartition({ name: 'P', type, ...(call && { of }) })).toThrow("The partition 'P'");
  });

  it.each([
    ['long', 'hash', '10'],
    ['datetime', 'bin', '1h'],
    ['datetime', 'startofweek', undefined],
  ])('has a partition of type %s by %s(%s)', (type, call, argument) => {
    requirePartition({ name: 'P', type, of: { column: 'C', call, ...(argument && { argument }) } });
  });
});
