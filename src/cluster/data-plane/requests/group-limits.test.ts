import { describe, expect, it } from 'vitest';
import type { RequestLimits, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import { truncationLimits } from '../answers/truncation.ts';
import { limitsOfRequest, memoryBytesOf, timeoutMsOf } from './group-limits.ts';
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
