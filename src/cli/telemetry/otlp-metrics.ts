import { ValueType } from '@opentelemetry/api';
import type { HrTime } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import type { Metric, MetricSample } from '../../http/metrics-text.ts';

interface Times {
  /** When counting began. */
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** The metrics of `/metrics`, under the names that they have there, as the official exporter takes them. */
export const otlpMetrics = (metrics: readonly Metric[], times: Times): MetricData[] =>
  metrics.map((metric) => otlpMetric(metric, times));

function otlpMetric({ name, help, type, samples }: Metric, times: Times): MetricData {
  const common = {
    descriptor: { name, description: help, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const points = (): DataPoint<number>[] =>
    samples.map(({ labels = {}, value }) => ({ ...times, attributes: { ...labels }, value }));
  if (type === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: points() };
  if (type === 'counter')
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() };
  return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(samples, times) };
}

/** Prometheus has the unit in the name. */
function unitOf(name: string): string {
  const [, unit = ''] = /_(seconds|bytes)(?:_total)?$/.exec(name) ?? [];
  return { seconds: 's', bytes: 'By' }[unit] ?? '';
}

/** Buckets of Prometheus count what is in lower ones, too; those of OTLP do not. */
function histograms(samples: readonly MetricSample[], times: Times): DataPoint<Histogram>[] {
  const series = new Map<string, { labels: Record<string, string>; samples: MetricSample[] }>();
  for (const sample of samples) {
    const labels = Object.fromEntries(Object.entries(sample.labels ?? {}).filter(([name]) => name !== 'le'));
    const key = JSON.stringify(labels);
    const one = series.get(key) ?? { labels, samples: [] };
    one.samples.push(sample);
    series.set(key, one);
  }
  return [...series.values()].map(({ labels, samples: own }) => {
    const buckets = own
      .filter(({ suffix }) => suffix === '_bucket')
      .map(({ labels: { le = '' } = {}, value }) => ({ le, value }));
    const valueOf = (suffix: string): number => own.find((sample) => sample.suffix === suffix)?.value ?? 0;
    return {
      ...times,
      attributes: labels,
      value: {
        buckets: {
          boundaries: buckets.filter(({ le }) => le !== '+Inf').map(({ le }) => Number(le)),
          counts: buckets.map(({ value }, at) => value - (buckets[at - 1]?.value ?? 0)),
        },
        ...{ sum: valueOf('_sum'), count: valueOf('_count') },
      },
    };
  });
}
