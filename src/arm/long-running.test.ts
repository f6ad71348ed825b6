import { describe, expect, it } from 'vitest';
import { parseGuid } from '../base/guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { finishedOperation, operationHeaders, startOperation, statusOf } from './long-running.ts';

const start = {
  kind: 'ClusterCreateExternal',
  provider: 'Microsoft.Kusto',
  subscriptionId: 's',
  location: 'East US',
  resourceId: '/subscriptions/s/x',
  startedAt: instant(1000),
};

describe('long-running operations', () => {
  it('run until the clock says so, or until somebody knows the outcome', () => {
    const { operation } = startOperation(systemRandomBytes, {
      ...start,
      completesAt: instant(3000),
      outcome: { status: 'Succeeded' },
    });
    expect(parseGuid(operation.operationId)).toBe(operation.operationId);
    expect(statusOf(operation, instant(2999))).toEqual({ status: 'Running', startTime: '1970-01-01T00:00:01.000Z' });
    expect(statusOf(operation, instant(3000))).toEqual({
      status: 'Succeeded',
      startTime: '1970-01-01T00:00:01.000Z',
      endTime: '1970-01-01T00:00:03.000Z',
    });
    const open = startOperation(systemRandomBytes, start).operation;
    expect(statusOf(open, instant(9e9)).status).toBe('Running');
    const error = { code: 'Failed', message: 'Internal Server Error' };
    const write = finishedOperation(
      { id: open.operationId, version: 7, value: open },
      { status: 'Failed', error },
      instant(5000),
    );
    expect(write).toMatchObject({ id: open.operationId, expect: 7 });
    expect(statusOf(write.put as typeof open, instant(5000))).toMatchObject({ status: 'Failed', error });
  });

  it('are announced with absolute URLs that keep the location and carry the api-version', () => {
    const request = { origin: 'https://management.azure.com', apiVersion: '2024-04-13' };
    expect(
      operationHeaders(request, '/subscriptions/s/providers/N/locations/East US/operationResults/g', {
        asyncOperation: true,
        location: true,
        locationQuery: '&operationResultResponseType=Location',
      }),
    ).toEqual({
      'azure-asyncoperation':
        'https://management.azure.com/subscriptions/s/providers/N/locations/East%20US/operationResults/g?api-version=2024-04-13',
      location:
        'https://management.azure.com/subscriptions/s/providers/N/locations/East%20US/operationResults/g?api-version=2024-04-13&operationResultResponseType=Location',
      'retry-after': '1',
    });
  });
});
