import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP has it in JSON.
 * @see OpenTelemetry protocol, opentelemetry/proto/trace/v1/trace.proto */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number; readonly boolValue?: boolean };
}
interface Sent {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes'> & { readonly attributes: readonly KeyValue[] })[];
    }[];
  }[];
}

export interface ReceivedExport {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A receiver of OTLP over HTTP. */
export async function startOtlpReceiver() {
  const exports: ReceivedExport[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      exports.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts) });
      const type = request.headers['content-type'] ?? '';
      response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const inJson = (): readonly Sent[] =>
    exports
      .filter(({ path, headers }) => path === '/v1/traces' && headers['content-type'] === 'application/json')
      .map(({ body }) => JSON.parse(body.toString('utf8')) as Sent);
  const spans = (): readonly ReceivedSpan[] =>
    inJson()
      .flatMap(({ resourceSpans = [] }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
      .flatMap((scope) => scope.spans.map((span) => ({ ...span, attributes: valuesOf(span.attributes) })));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports: exports as readonly ReceivedExport[],
    spans,
    /** What the senders of spans say of themselves. */
    resources: () =>
      inJson().flatMap(({ resourceSpans = [] }) => resourceSpans.map(({ resource }) => valuesOf(resource.attributes))),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const valuesOf = (attributes: readonly KeyValue[]): Record<string, string | number | boolean> =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? (boolValue ?? '') : Number(intValue)),
    ]),
  );
