import { expect, it } from 'vitest';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { silentLog } from './logging.ts';
import { metricsText } from './metrics-text.ts';
import { RequestMetrics } from './request-metrics.ts';

const id = newGuid(systemRandomBytes);

it('counts requests by plane and status, and how long they took', () => {
  const metrics = new RequestMetrics();
  const log = metrics.beside(silentLog);
  for (const [status, ms] of [
    [200, 4],
    [200, 250],
    [503, 60_000],
  ] as const)
    log.request({ plane: 'vault', method: 'GET', route: 'GetKey', status, ms, requestId: id, correlationId: id });
  expect(metricsText(metrics.list())).toBe(
    [
      '# HELP kustody_http_requests_total Answered requests.',
      '# TYPE kustody_http_requests_total counter',
      'kustody_http_requests_total{plane="vault",status="200"} 2',
      'kustody_http_requests_total{plane="vault",status="503"} 1',
      '# HELP kustody_http_request_duration_seconds From a request to its answer.',
      '# TYPE kustody_http_request_duration_seconds histogram',
      ...['0.01"} 1', '0.05"} 1', '0.25"} 2', '1"} 2', '5"} 2', '30"} 2', '+Inf"} 3'].map(
        (bucket) => `kustody_http_request_duration_seconds_bucket{plane="vault",le="${bucket}`,
      ),
      'kustody_http_request_duration_seconds_sum{plane="vault"} 60.254',
      'kustody_http_request_duration_seconds_count{plane="vault"} 3',
      '',
    ].join('\n'),
  );
});

it('escapes what labels may hold', () => {
  const metric = { name: 'm', type: 'gauge', help: 'h', samples: [{ labels: { a: '"\\\n' }, value: 1 }] } as const;
  expect(metricsText([metric])).toBe('# HELP m h\n# TYPE m gauge\nm{a="\\"\\\\\\n"} 1\n');
});
