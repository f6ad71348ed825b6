import { describe, expect, it } from 'vitest';
import { TelemetryError, telemetrySettings } from './telemetry-settings.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
const both = { traces: expect.anything() as unknown, metrics: expect.anything() as unknown };

describe('what the environment asks for', () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: 'alone' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    [{ ...endpoint, OTEL_SDK_DISABLED: 'true' }],
    [{ ...endpoint, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
  ])('is nothing with %j', (env) => {
    expect(telemetrySettings(env)).toBeUndefined();
  });

  it.each([
    [endpoint, ['traces', 'metrics']],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, ['traces']],
    [{ OTEL_METRICS_EXPORTER: 'otlp' }, ['metrics']],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://a.example/v1/traces' }, ['traces']],
    [{ ...endpoint, OTEL_METRICS_EXPORTER: 'none' }, ['traces']],
  ])('with %j is %j', (env, signals) => {
    expect(Object.keys(telemetrySettings(env) ?? {})).toEqual(signals);
  });

  it('has the defaults of the specification, and its limits', () => {
    expect(telemetrySettings(endpoint)).toEqual({
      traces: {
        ...{ sampling: { followsParent: true, ratio: 1 }, protocol: 'http/protobuf' },
        queue: {
          ...{ maxQueueSize: 2_048, maxExportBatchSize: 512 },
          ...{ scheduledDelayMillis: 5_000, exportTimeoutMillis: 30_000 },
        },
      },
      metrics: { protocol: 'http/protobuf', intervalMs: 60_000, timeoutMs: 30_000 },
    });
    const small = { ...endpoint, OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_METRIC_EXPORT_INTERVAL: '100' };
    expect(telemetrySettings(small)).toMatchObject({
      traces: { queue: { maxQueueSize: 10, maxExportBatchSize: 10 } },
      metrics: { intervalMs: 100, timeoutMs: 100 },
    });
  });

  it.each([
    ['always_on', { followsParent: false, ratio: 1 }],
    ['always_off', { followsParent: false, ratio: 0 }],
    ['traceidratio', { followsParent: false, ratio: 0.25 }],
    ['parentbased_always_on', { followsParent: true, ratio: 1 }],
    ['parentbased_always_off', { followsParent: true, ratio: 0 }],
    ['parentbased_traceidratio', { followsParent: true, ratio: 0.25 }],
  ])('has the sampler %s', (OTEL_TRACES_SAMPLER, sampling) => {
    const env = { ...endpoint, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: '0.25' };
    expect(telemetrySettings(env)).toMatchObject({ ...both, traces: { sampling } });
  });

  const secret = 'canary-6613';
  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', `ftp://${secret}`],
    ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', secret],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_METRICS_EXPORTER', 'prometheus'],
    ['OTEL_TRACES_SAMPLER', 'constructor'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
    ['OTEL_METRIC_EXPORT_INTERVAL', secret],
  ])('refuses %s by its name when it is %s, without the value', (name, value) => {
    const refused = (): unknown => telemetrySettings({ ...endpoint, [name]: value });
    expect(refused).toThrow(TelemetryError);
    expect(refused).toThrow(new RegExp(`^${name}\\b(?!.*${secret})`));
  });

  it.each(['-0.1', '1.1', 'half'])('refuses the share %s', (OTEL_TRACES_SAMPLER_ARG) => {
    const env = { ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG };
    expect(() => telemetrySettings(env)).toThrow(/^OTEL_TRACES_SAMPLER_ARG is a number from 0 to 1\.$/);
  });
});
