import { jsonOfXml } from '../algorithms/text/xml.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRows } from '../sql/scope.ts';

/** Bytes of a text that parse_xml() takes; longer ones are null. */
const bytesMax = 1_048_576;

export const xmlFunctions: FunctionRows = {
  parse_xml: native('parse_xml', ['string'], 'dynamic', ([text]) =>
    Buffer.byteLength(String(text)) > bytesMax ? null : (jsonOfXml(String(text)) ?? null),
  ),
};
