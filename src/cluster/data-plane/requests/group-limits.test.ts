import { describe, expect, it } from 'vitest';
import type { RequestLimits, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import { truncationLimits } from '../answers/truncation.ts';
import {
  cacheMaxAgeMsOf,
  isHotOnly,
  limitsOfRequest,
  memoryBytesOf,
  threadsPercentOf,
  timeoutMsOf,
} from './group-limits.ts';
import { readOptions } from './request-options.ts';

const limit = (Value: number, IsRelaxable = false) => ({ IsRelaxable, Value });
const group = (RequestLimitsPolicy: RequestLimits): WorkloadGroup => ({
  RequestRateLimitPolicies: [],
  RequestLimitsPolicy,
});
const groups: Readonly<Record<string, WorkloadGroup>> = {
  default: group({ MaxExecutionTime: { IsRelaxable: true, Value: '00:02:00' }, MaxResultRecords: limit(7) }),
  Own: group({ MaxExecutionTime: { IsRelaxable: false, Value: '00:01:00' } }),
};
const data = { workloadGroup: (name: string) => groups[name] };
const query = { kind: 'query', text: 'T' } as const;

describe('limits of requests by their workload group', () => {
  it('are those of default where the group says nothing', () => {
    expect(limitsOfRequest(data, 'Own', query)).toEqual({
      ...{ MaxExecutionTime: { IsRelaxable: false, Value: '00:01:00' }, MaxResultRecords: limit(7) },
    });
    expect(limitsOfRequest({ workloadGroup: () => undefined }, 'Own', query)).toEqual({});
  });

  it.each(['.export to csv ("") <| T', '.set-or-append T <| U', '.ingest inline into table T <| 1'])(
    'do not hold %s in default, and in other groups do',
    (text) => {
      const command = { kind: 'command', text } as const;
      expect(limitsOfRequest(data, 'default', command)).toEqual({});
      expect(limitsOfRequest(data, 'Own', command)).toHaveProperty('MaxExecutionTime.Value', '00:01:00');
      expect(limitsOfRequest(data, 'default', { ...command, text: '.show tables' })).not.toEqual({});
    },
  );

  it('can be relaxed by the client where the policy says so, and made smaller always', () => {
    const [relaxable, fixed] = [limitsOfRequest(data, 'default', query), limitsOfRequest(data, 'Own', query)];
    const asked = (time: string): number | undefined => readOptions({ servertimeout: time }).timeoutMs;
    expect(timeoutMsOf(relaxable, undefined)).toBe(120_000);
    expect(timeoutMsOf(relaxable, asked('00:10:00'))).toBe(600_000);
    expect(timeoutMsOf(fixed, asked('00:10:00'))).toBe(60_000);
    expect(timeoutMsOf(fixed, asked('00:00:10'))).toBe(10_000);
    expect(timeoutMsOf({}, undefined)).toBeUndefined();
  });

  it.each([
    [{}, {}, {}, undefined],
    [{}, { max_memory_consumption_per_query_per_node: 9 }, {}, 9],
    [{ max_memory_consumption_per_query_per_node: 7 }, { max_memory_consumption_per_query_per_node: 9 }, {}, 7],
    [{ max_memory_consumption_per_query_per_node: '9' }, { maxmemoryconsumptionperiterator: 8 }, {}, 8],
    [{ maxmemoryconsumptionperiterator: 9 }, {}, { MaxMemoryPerIterator: limit(5) }, 5],
    [{ maxmemoryconsumptionperiterator: 4 }, {}, { MaxMemoryPerIterator: limit(5) }, 4],
    [{ maxmemoryconsumptionperiterator: 9 }, {}, { MaxMemoryPerIterator: limit(5, true) }, 9],
    [{}, {}, { MaxMemoryPerIterator: limit(5, true), MaxMemoryPerQueryPerNode: limit(6) }, 5],
  ])('of memory: properties %j, text %j and group %j are %s', (properties, set, limits, bytes) => {
    expect(memoryBytesOf(limits, readOptions(properties), set)).toBe(bytes);
  });

  it('are at least a byte of memory', () => {
    expect(() => readOptions({ maxmemoryconsumptionperiterator: 0 })).toThrow(/has a value that it cannot have/);
  });

  it.each([
    [{}, {}, { records: 500_000, bytes: 67_108_864 }],
    [{}, { MaxResultRecords: limit(7), MaxResultBytes: limit(9, true) }, { records: 7, bytes: 9 }],
    [{ notruncation: true }, {}, { records: Infinity, bytes: Infinity }],
    [
      { notruncation: true },
      { MaxResultRecords: limit(7), MaxResultBytes: limit(9, true) },
      { records: 7, bytes: Infinity },
    ],
    [{ truncationmaxrecords: 8 }, { MaxResultRecords: limit(7) }, { records: 7, bytes: 67_108_864 }],
    [{ truncationmaxrecords: 6 }, { MaxResultRecords: limit(7) }, { records: 6, bytes: 67_108_864 }],
    [
      { truncationmaxrecords: 8, truncationmaxsize: 9 },
      { MaxResultRecords: limit(7, true), MaxResultBytes: limit(5) },
      { records: 8, bytes: 5 },
    ],
  ] as const)('results of %j under %j end at %j', (options, limits, expected) => {
    expect(truncationLimits(readOptions(options), limits)).toEqual(expected);
  });
});

describe('what a query reads', () => {
  const scope = (Value: 'All' | 'HotCache', IsRelaxable: boolean): RequestLimits => ({
    DataScope: { IsRelaxable, Value },
  });

  it.each<[RequestLimits, string | undefined, string | undefined, boolean]>([
    [{}, undefined, undefined, false],
    [{}, 'hotcache', undefined, true],
    [{}, 'HotCache', 'all', true],
    [{}, 'all', 'hotcache', true],
    [scope('HotCache', false), undefined, undefined, true],
    [scope('HotCache', false), 'default', undefined, true],
    [scope('HotCache', false), 'all', 'all', true],
    [scope('HotCache', true), 'all', undefined, false],
    [scope('HotCache', true), 'default', undefined, true],
    [scope('HotCache', true), undefined, 'all', false],
    [scope('All', false), 'hotcache', undefined, true],
    [scope('All', false), undefined, undefined, false],
  ])('is by %j and %s, with %s in the text, only what is hot: %s', (limits, asked, inText, expected) => {
    const options = readOptions(asked === undefined ? {} : { query_datascope: asked });
    expect(isHotOnly(limits, options, inText === undefined ? {} : { query_datascope: inText })).toBe(expected);
  });

  it('is refused where nobody knows what is meant', () => {
    expect(() => readOptions({ query_datascope: 'warm' })).toThrow('query_datascope');
    for (const percent of [0, 101, 'many'])
      expect(() => readOptions({ query_fanout_threads_percent: percent })).toThrow('query_fanout_threads_percent');
  });
});

describe('shares of threads and ages of results', () => {
  it.each<[RequestLimits, number | undefined, number | undefined, number | undefined]>([
    [{}, undefined, undefined, undefined],
    [{}, 50, 20, 20],
    [{ MaxFanoutThreadsPercentage: limit(30) }, undefined, undefined, 30],
    [{ MaxFanoutThreadsPercentage: limit(30) }, 80, undefined, 30],
    [{ MaxFanoutThreadsPercentage: limit(30, true) }, 80, undefined, 80],
  ])('of threads, by %j, %s and %s: %s', (limits, asked, inText, expected) => {
    const options = readOptions(asked === undefined ? {} : { query_fanout_threads_percent: asked });
    const set: Record<string, number> = inText === undefined ? {} : { query_fanout_threads_percent: inText };
    expect(threadsPercentOf(limits, options, set)).toBe(expected);
  });

  it('of results that were computed before, by either policy and the client', () => {
    const age = (Value: string, IsRelaxable = false) => ({ IsRelaxable, Value });
    expect(cacheMaxAgeMsOf({}, {}, undefined)).toBeUndefined();
    expect(cacheMaxAgeMsOf({}, {}, 7)).toBe(7);
    expect(cacheMaxAgeMsOf({}, { CachedResultsMaxAge: age('00:05:00') }, undefined)).toBe(300_000);
    expect(cacheMaxAgeMsOf({}, { CachedResultsMaxAge: age('00:05:00') }, 600_000)).toBe(300_000);
    expect(cacheMaxAgeMsOf({}, { CachedResultsMaxAge: age('00:05:00', true) }, 600_000)).toBe(600_000);
    expect(cacheMaxAgeMsOf({ QueryResultsCacheMaxAge: age('00:01:00') }, {}, undefined)).toBe(60_000);
  });
});
