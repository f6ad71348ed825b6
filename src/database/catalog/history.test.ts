import { describe, expect, it } from 'vitest';
import { openDataFixture, started } from '../../../tests/support/cluster-data-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';

describe('what is told of operations and refused ingestion', () => {
  it('stays within a number and a length, the newest of it, in memory and in the state', async () => {
    const cluster = await openDataFixture();
    const data = await cluster.data();
    const long = 'x'.repeat(10_000);
    const common = { database: 'db', principal: 'p', user: 'u', rootActivityId: cluster.clusterId, shouldRetry: false };
    const running = { ...common, operationId: newGuid(systemRandomBytes), operation: 'Old', status: '' } as const;
    await data.recordOperation({ ...running, state: 'InProgress', startedOn: instant(1), lastUpdatedOn: instant(1) });
    const each = Array.from({ length: 2_600 }, (_one, index) => index);
    const add = async (index: number): Promise<void> => {
      const at = instant(started + index);
      await data.recordIngestionFailure({
        ...{ ...common, operationId: newGuid(systemRandomBytes), table: `${index} ${long}`, failedOn: at },
        ...{ details: 'd', failureKind: 'Permanent', operationKind: 'DataIngestPull', errorCode: 'e' },
      });
      await data.recordOperation({
        ...{ ...common, operationId: newGuid(systemRandomBytes), operation: `Set${index}`, state: 'Completed' },
        ...{ startedOn: at, lastUpdatedOn: at, status: 's' },
      });
    };
    for (let done = 0; done < each.length; done += 100) await Promise.all(each.slice(done, done + 100).map(add));
    const [failures, operations] = [data.ingestionFailures(), data.operations()];
    expect(failures.length).toBeLessThanOrEqual(2_300); // what is under way at the same time is not counted
    expect(failures.length).toBeGreaterThanOrEqual(2_000);
    expect(failures[0]?.table.startsWith('2599 xxx')).toBe(true);
    expect(failures[0]?.table.length).toBeLessThan(2_000);
    expect(operations.length).toBeLessThanOrEqual(2_301);
    expect(operations[0]?.operation).toBe('Set2599');
    expect(operations.at(-1)).toMatchObject({ operation: 'Old', state: 'InProgress' }); // it is under way
    const again = await cluster.crash();
    expect([again.ingestionFailures().length, again.operations().length]).toEqual([failures.length, operations.length]);
    await cluster.close();
  });
});
