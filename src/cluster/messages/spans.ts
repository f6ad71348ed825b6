import { Type } from '@sinclair/typebox';
import { spanKinds, spansMax } from '../../http/tracing/span.ts';
import type { Message } from './message.ts';
import { branded, list, number, object, oneOf, reader, text } from './message.ts';

const spanId = branded(/^[0-9a-f]{16}$/);
const traceId = branded(/^[0-9a-f]{32}$/);

const span = object({
  ...{ traceId, spanId, kind: oneOf(spanKinds), name: text(200), startMs: number, ms: number },
  parentId: Type.Optional(spanId),
  link: Type.Optional(object({ traceId, spanId })),
  errorType: Type.Optional(text(100)),
  fields: object({
    ...{ plane: Type.Optional(text(20)), method: Type.Optional(text(20)), scheme: Type.Optional(text(10)) },
    ...{ route: Type.Optional(text(300)), path: Type.Optional(text(300)), url: Type.Optional(text(600)) },
    ...{ host: Type.Optional(text(253)), port: Type.Optional(number), status: Type.Optional(number) },
    operation: Type.Optional(text(200)),
  }),
});

const spansCall = object({ spans: list(span, spansMax) });

/** Spans that have ended in the process of a cluster. */
export type SpansCall = Message<typeof spansCall>;

/** @throws ProtocolError */
export const readSpans = reader('spans', spansCall);
