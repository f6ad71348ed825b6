import { describe, expect, it } from 'vitest';
import { readProperties, readRequestBody } from './request-body.ts';
import { readOptions, withSetStatements } from './request-options.ts';
import { truncationLimits } from '../answers/truncation.ts';

describe('readOptions', () => {
  it.each([
    ['00:00:30.500', 30_500],
    ['00:04:00', 240_000],
    ['1.00:00:00', 3_600_000],
    ['50m', 3_000_000],
    ['time(2m)', 120_000],
    [1500, 1500],
  ])('takes %s for a server timeout of %i ms', (servertimeout, timeoutMs) => {
    expect(readOptions({ servertimeout }).timeoutMs).toBe(timeoutMs);
  });

  it('gives an hour to those who want no limit', () => {
    expect(readOptions({ norequesttimeout: true, servertimeout: '00:00:01' }).timeoutMs).toBe(3_600_000);
  });

  it('compares names without case and reads flags in their spellings', () => {
    for (const value of [true, 'true', 'True', 1, '1'])
      expect(readOptions({ NoTruncation: value }).notruncation).toBe(true);
    for (const value of [false, 'false', 0, null])
      expect(readOptions({ notruncation: value }).notruncation).toBe(false);
  });

  it.each([
    { servertimeout: 'soon' },
    { servertimeout: '-00:00:01' },
    { notruncation: 'perhaps' },
    { truncationmaxrecords: -1 },
    { results_error_reporting_placement: 'nowhere' },
    { query_now: 'yesterday' },
  ])('refuses %j', (options) => {
    expect(() => readOptions(options)).toThrow(/has a value that it cannot have/);
  });
});

describe('limits of results', () => {
  const limits = (options: Parameters<typeof readOptions>[0], set = {}) =>
    truncationLimits(withSetStatements(readOptions(options), set));

  it.each([
    [{}, {}, 500_000, 67_108_864],
    [{ notruncation: true }, {}, Infinity, Infinity],
    [{}, { notruncation: null }, Infinity, Infinity],
    [{ notruncation: true, truncationmaxsize: 5 }, {}, 500_000, 5],
    [{ truncationmaxrecords: 10 }, { truncationmaxrecords: 4 }, 4, 67_108_864],
    [{ truncationmaxrecords: 4 }, { truncationmaxrecords: 10 }, 4, 67_108_864],
  ])('options %j and set statements %j give %d records and %d bytes', (options, set, records, bytes) => {
    expect(limits(options, set)).toEqual({ records, bytes });
  });
});

describe('request bodies', () => {
  it('take properties as an object or as JSON in a string', () => {
    const properties = { Options: { notruncation: true }, Parameters: { a: 1 } };
    for (const sent of [properties, JSON.stringify(properties)]) {
      expect(readProperties(sent)).toMatchObject({ options: { notruncation: true }, parameters: { a: 1 } });
    }
  });

  it('take no database for an empty one', () => {
    expect(readRequestBody(Buffer.from('{"csl":".show databases"}'))).toMatchObject({
      database: '',
      text: '.show databases',
    });
  });
});
