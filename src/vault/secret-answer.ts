import type { FastifyReply } from 'fastify';
import { zeroBytes } from '../base/bytes.ts';
import { takeHead, writeNamedHead } from '../http/named-response.ts';
import { base64UrlLength, secretBuffer, writeBase64Url } from './base64url-bytes.ts';

/** Answers `{"kid","value"}` with a value that must not stay in memory: no string is ever made of it. Head and body are one buffer (two
 * would be copied on their way into TLS), overwritten as soon as it is out.
 * @param headers of JSON, names as they go out and values in turn
 * @param value overwritten */
export function sendSecret(reply: FastifyReply, headers: string[], kid: string, value: Buffer): void {
  void reply.hijack();
  const response = reply.raw;
  if (response.destroyed) {
    zeroBytes(value); // the client has left
    return;
  }
  const front = `{"kid":${JSON.stringify(kid)},"value":"`;
  const bodyBytes = Buffer.byteLength(front) + base64UrlLength(value.length) + back.length;
  headers.push('Content-Length', String(bodyBytes));
  writeNamedHead(response, 200, headers);
  // Who shows bodies must see no head in them.
  const head = reply.request.captured === undefined ? takeHead(response) : '';
  const bytes = secretBuffer(head.length + bodyBytes);
  const start = bytes.write(head, 'latin1') + bytes.write(front, head.length);
  bytes.write(back, writeBase64Url(value, bytes, start));
  zeroBytes(value);
  // It closes once, after it is out or instead of that.
  response.on('close', () => zeroBytes(bytes));
  response.end(bytes);
}

const back = '"}';
