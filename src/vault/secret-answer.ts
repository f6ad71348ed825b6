import type { FastifyReply } from 'fastify';
import { zeroBytes } from '../base/bytes.ts';
import { base64UrlLength, secretBuffer, writeBase64Url } from './base64url-bytes.ts';

/** Answers `{"kid","value"}` with a value that must not stay in memory: no string is ever made of it, the headers go first
 * and the body is one buffer (two would be copied on their way into TLS), overwritten as soon as it is out.
 * @param headers of JSON, names and values in turn
 * @param value overwritten */
export function sendSecret(reply: FastifyReply, headers: string[], kid: string, value: Buffer): void {
  const body = secretBody(kid, value);
  zeroBytes(value);
  const wipe = (): void => zeroBytes(body);
  void reply.hijack();
  const response = reply.raw;
  response.once('finish', wipe).once('close', wipe);
  if (response.destroyed) {
    wipe(); // the client has left, and with it the events
    return;
  }
  headers.push('content-length', String(body.length));
  response.writeHead(200, headers);
  response.flushHeaders();
  response.end(body);
}

function secretBody(kid: string, value: Buffer): Buffer {
  const front = Buffer.from(`{"kid":${JSON.stringify(kid)},"value":"`, 'utf8');
  const back = Buffer.from('"}', 'utf8');
  const body = secretBuffer(front.length + base64UrlLength(value.length) + back.length);
  front.copy(body);
  const end = writeBase64Url(value, body, front.length);
  back.copy(body, end);
  return body;
}
