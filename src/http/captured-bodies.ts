import type { FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { zeroBytes } from '../base/bytes.ts';
import type { BodyRules, SeenBody } from './shown-body.ts';
import { seenBody, seenBytesMax } from './shown-body.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while somebody has asked for bodies. */
    captured: CapturedBodies | undefined;
  }
}

/** What a request and its answer had for bodies, as they may be shown. */
export interface SeenBodies {
  readonly request?: SeenBody;
  readonly answer?: SeenBody;
}

/** The bodies of one request, in memory until its answer is out. */
export class CapturedBodies {
  readonly #response: ServerResponse;
  #request: Buffer | undefined;
  readonly #pieces: Buffer[] = [];
  #answerBytes = 0;

  /** From now on what is written to the response is seen, too. */
  constructor(response: ServerResponse) {
    this.#response = response;
    const seen = (name: 'write' | 'end') => {
      const method = response[name].bind(response);
      return (...written: readonly unknown[]): unknown => {
        this.#takePiece(written);
        return Reflect.apply(method, response, written);
      };
    };
    Object.assign(response, { write: seen('write'), end: seen('end') });
  }

  /** @param body the handler may overwrite it afterwards */
  takeRequest(body: Buffer | undefined): void {
    if (body !== undefined) this.#request = Buffer.from(body);
  }

  /** Overwrites what was captured. */
  finish(request: FastifyRequest, rules: BodyRules): SeenBodies {
    const sent = this.#request;
    const type = request.headers['content-type'] ?? '';
    const { statusCode } = this.#response;
    const isShown = this.#answerBytes > 0 && (rules.answers !== 'errors' || statusCode >= 400);
    // Of a longer one only the length is told.
    const answer = this.#answerBytes > seenBytesMax ? undefined : Buffer.concat(this.#pieces);
    const seen: SeenBodies = {
      ...(sent === undefined ? {} : { request: seenBody(sent, type, rules) }),
      ...(isShown ? { answer: answer === undefined ? { bytes: this.#answerBytes } : seenBody(answer, '', rules) } : {}),
    };
    zeroBytes(...[sent, answer].filter((one) => one !== undefined), ...this.#pieces.splice(0));
    this.#request = undefined;
    return seen;
  }

  #takePiece([chunk, encoding]: readonly unknown[]): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    const piece =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk);
    this.#answerBytes += piece.byteLength;
    if (this.#answerBytes <= seenBytesMax) this.#pieces.push(piece);
    else zeroBytes(piece);
  }
}
