import type { Sampling } from '../../http/tracing/tracer.ts';

/** A variable has a value that makes no sense, or asks for what is not built. It says no value, which may be a secret. */
export class TelemetryError extends Error {
  override readonly name = 'TelemetryError';
}

/** What the standard variables ask for. Endpoints, headers, certificates and time limits are not here: the official exporters read them. */
export interface TelemetrySettings {
  /** Undefined: no spans are made. */
  readonly traces?: { readonly sampling: Sampling; readonly protocol: Protocol; readonly queue: SpanQueue };
  readonly metrics?: { readonly protocol: Protocol; readonly intervalMs: number; readonly timeoutMs: number };
}

const protocols = ['http/protobuf', 'http/json'] as const;
export type Protocol = (typeof protocols)[number];

/** Spans that wait; what comes beyond `maxQueueSize` is lost. */
export interface SpanQueue {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

type Env = Readonly<Record<string, string | undefined>>;
type Signal = 'TRACES' | 'METRICS';

/** Samplers of the specification by their names; `given` is the share that `OTEL_TRACES_SAMPLER_ARG` names.
 * @see OpenTelemetry specification, environment variables, "General SDK configuration" */
const samplers: Readonly<Record<string, (given: () => number) => Sampling>> = {
  always_on: () => ({ followsParent: false, ratio: 1 }),
  always_off: () => ({ followsParent: false, ratio: 0 }),
  traceidratio: (given) => ({ followsParent: false, ratio: given() }),
  parentbased_always_on: () => ({ followsParent: true, ratio: 1 }),
  parentbased_always_off: () => ({ followsParent: true, ratio: 0 }),
  parentbased_traceidratio: (given) => ({ followsParent: true, ratio: given() }),
};

/** @returns undefined when nothing is to be sent. No value is in an error that may hold a secret.
 * @throws TelemetryError for what is not built or makes no sense */
export function telemetrySettings(env: Env): TelemetrySettings | undefined {
  if (valueOf(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  const traces = isOn(env, 'TRACES');
  const metrics = isOn(env, 'METRICS');
  if (!traces && !metrics) return undefined;
  const intervalMs = wholeNumber(env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000);
  const maxQueueSize = wholeNumber(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
  return {
    ...(traces && {
      traces: {
        sampling: samplingOf(env),
        protocol: protocolOf(env, 'TRACES'),
        queue: {
          maxQueueSize,
          maxExportBatchSize: Math.min(maxQueueSize, wholeNumber(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
          scheduledDelayMillis: wholeNumber(env, 'OTEL_BSP_SCHEDULE_DELAY', 5_000),
          exportTimeoutMillis: wholeNumber(env, 'OTEL_BSP_EXPORT_TIMEOUT', 30_000),
        },
      },
    }),
    ...(metrics && {
      metrics: {
        protocol: protocolOf(env, 'METRICS'),
        intervalMs,
        timeoutMs: Math.min(intervalMs, wholeNumber(env, 'OTEL_METRIC_EXPORT_TIMEOUT', 30_000)),
      },
    }),
  };
}

/** By itself it is off: the default of the specification would be an exporter, but nobody who has set nothing wants one. */
function isOn(env: Env, signal: Signal): boolean {
  const names = ['OTEL_EXPORTER_OTLP_ENDPOINT', `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
  const endpoints = names.filter((name) => valueOf(env, name) !== undefined);
  const exporter = valueOf(env, `OTEL_${signal}_EXPORTER`);
  if (exporter === 'none' || (exporter === undefined && endpoints.length === 0)) return false;
  if (exporter !== undefined && exporter !== 'otlp')
    throw new TelemetryError(`OTEL_${signal}_EXPORTER: only 'otlp' and 'none' are built.`);
  for (const name of endpoints) requireUrl(name, valueOf(env, name) ?? '');
  return true;
}

function requireUrl(name: string, value: string): void {
  const isUrl = URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
  if (!isUrl) throw new TelemetryError(`${name} is no http or https address.`);
}

function protocolOf(env: Env, signal: Signal): Protocol {
  const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
  const name = valueOf(env, own) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own;
  const value = valueOf(env, name) ?? 'http/protobuf';
  const found = protocols.find((one) => one === value);
  if (found === undefined) throw new TelemetryError(`${name}: only 'http/protobuf' and 'http/json' are built.`);
  return found;
}

function samplingOf(env: Env): Sampling {
  const name = valueOf(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const sampler = Object.hasOwn(samplers, name) ? samplers[name] : undefined;
  if (sampler === undefined)
    throw new TelemetryError(`OTEL_TRACES_SAMPLER: there are ${Object.keys(samplers).join(', ')}.`);
  return sampler(() => {
    const ratio = Number(valueOf(env, 'OTEL_TRACES_SAMPLER_ARG') ?? '1');
    if (!(ratio >= 0 && ratio <= 1)) throw new TelemetryError('OTEL_TRACES_SAMPLER_ARG is a number from 0 to 1.');
    return ratio;
  });
}

function wholeNumber(env: Env, name: string, otherwise: number): number {
  const value = Number(valueOf(env, name) ?? otherwise);
  if (!Number.isInteger(value) || value < 1 || value > 2 ** 31 - 1)
    throw new TelemetryError(`${name} is a whole number from 1 on.`);
  return value;
}

/** An empty one counts as none (specification, "Parsing empty value"). */
function valueOf(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}
