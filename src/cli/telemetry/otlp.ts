import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import type { TakeMetrics } from '../../server/metrics-routes.ts';
import type { Telemetry } from '../../server/telemetry.ts';
import { version } from '../../server/version.ts';
import { otlpMetrics } from './otlp-metrics.ts';
import { hrTime, otlpSpan } from './otlp-spans.ts';
import type { TelemetrySettings } from './telemetry-settings.ts';

export interface OtlpParts {
  readonly settings: TelemetrySettings;
  readonly wallMs: () => number;
  /** Calls once, later. @returns ends the waiting */
  readonly startTimer: (milliseconds: number, call: () => void) => () => void;
}

/** For what is left when the server stops: a receiver that is away holds nobody up for longer. */
const flushMs = 2_000;

/** Sends spans and metrics by OTLP over HTTP, as the official packages do it: they read endpoints, headers, certificates and time limits from
 * the environment, keep spans in a queue of a bound, and leave out what nobody takes. They log nothing, headers least of all. */
export function openOtlp({ settings, wallMs, startTimer }: OtlpParts): Telemetry {
  const { traces, metrics } = settings;
  const resource = defaultResource()
    .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: 'kustody', [ATTR_SERVICE_VERSION]: version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const scope = { name: 'kustody', version };
  const startTime = hrTime(wallMs());
  const spans =
    traces &&
    new BatchSpanProcessor({
      exporter: traces.protocol === 'http/json' ? new JsonTraceExporter() : new ProtobufTraceExporter(),
      ...traces.queue,
    });
  const patiently = async (work: Promise<unknown>): Promise<void> => {
    let cancel = (): void => undefined;
    const enough = new Promise<void>((resolve) => (cancel = startTimer(flushMs, resolve)));
    await Promise.race([work.catch(() => undefined), enough]); // what could not be sent is lost
    cancel();
  };
  return {
    ...(traces && { sampling: traces.sampling }),
    ended: (span) => spans?.onEnd(otlpSpan(span, resource, scope)),
    measure(take: TakeMetrics) {
      if (metrics === undefined) return () => Promise.resolve();
      const producer: MetricProducer = {
        collect: async () => ({
          resourceMetrics: {
            resource,
            scopeMetrics: [{ scope, metrics: otlpMetrics(await take(), { startTime, endTime: hrTime(wallMs()) }) }],
          },
          errors: [],
        }),
      };
      const reader = new PeriodicExportingMetricReader({
        exporter: metrics.protocol === 'http/json' ? new JsonMetricExporter() : new ProtobufMetricExporter(),
        metricProducers: [producer],
        exportIntervalMillis: metrics.intervalMs,
        exportTimeoutMillis: metrics.timeoutMs,
      });
      const provider = new MeterProvider({ resource, readers: [reader] });
      return () => patiently(provider.shutdown());
    },
    close: () => patiently(spans?.shutdown() ?? Promise.resolve()),
  };
}
