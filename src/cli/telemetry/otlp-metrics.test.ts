import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';
import { silentLog } from '../../http/logging.ts';
import { RequestMetrics } from '../../http/request-metrics.ts';
import { newGuid } from '../../base/new-guid.ts';
import { otlpMetrics } from './otlp-metrics.ts';
import { hrTime } from './otlp-spans.ts';

const times = { startTime: hrTime(1_000), endTime: hrTime(2_500.25) };

it('metrics have in OTLP what they have in the text for Prometheus, each bucket by itself', () => {
  const counted = new RequestMetrics();
  const log = counted.beside(silentLog);
  const id = newGuid(() => new Uint8Array(16));
  for (const ms of [5, 20, 20, 60_000])
    log.request({ plane: 'arm', method: 'GET', route: 'r', status: 200, ms, requestId: id, correlationId: id });
  const gauge = { name: 'a_bytes', type: 'gauge', help: 'Bytes.', samples: [{ value: 7 }] } as const;
  expect(otlpMetrics([...counted.list(), gauge], times)).toMatchObject([
    {
      ...{ dataPointType: DataPointType.SUM, isMonotonic: true },
      descriptor: { name: 'kustody_http_requests_total', description: 'Answered requests.', unit: '' },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints: [{ ...times, attributes: { plane: 'arm', status: '200' }, value: 4 }],
    },
    {
      dataPointType: DataPointType.HISTOGRAM,
      descriptor: { name: 'kustody_http_request_duration_seconds', unit: 's' },
      dataPoints: [
        {
          attributes: { plane: 'arm' },
          value: {
            buckets: { boundaries: [0.01, 0.05, 0.25, 1, 5, 30], counts: [1, 2, 0, 0, 0, 0, 1] },
            ...{ sum: 60.045, count: 4 },
          },
        },
      ],
    },
    {
      ...{ dataPointType: DataPointType.GAUGE, descriptor: { name: 'a_bytes', unit: 'By' } },
      dataPoints: [{ ...times, attributes: {}, value: 7 }],
    },
  ]);
});

it('times are whole seconds with nanoseconds', () => {
  expect([hrTime(2_500.25), hrTime(999.9999999), hrTime(0)]).toEqual([
    [2, 500_250_000],
    [0, 999_999_999],
    [0, 0],
  ]);
});
