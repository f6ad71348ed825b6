import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createDeflate, createGzip } from 'node:zlib';

/** Answers up to here go out whole, with their length and as they are: compressing them would take longer than sending them. */
const wholeBytesMax = 64 * 1024;
/** The lightest: the way is short. */
const level = constants.Z_BEST_SPEED;

/** Writes the body of a good answer piece by piece, no faster than the client reads. */
export class AnswerBody {
  readonly #response: ServerResponse;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #acceptEncoding: string;
  #held: string[] = [];
  #heldLength = 0;
  #sink: ServerResponse | Transform | undefined;

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, acceptEncoding: string) {
    this.#response = response;
    this.#headers = headers;
    this.#acceptEncoding = acceptEncoding;
  }

  /** Whether the status is out: until then an answer can still be an error. */
  get begun(): boolean {
    return this.#sink !== undefined;
  }

  /** @returns when more may be written; once the request is aborted at once, since only its end is still to come */
  async write(text: string, signal: AbortSignal): Promise<void> {
    if (this.#sink === undefined) {
      this.#held.push(text);
      this.#heldLength += text.length;
      if (this.#heldLength <= wholeBytesMax) return;
      this.#sink = this.#open();
      text = this.#held.join('');
      this.#held = [];
    }
    if (!this.#sink.write(text) && !signal.aborted) await once(this.#sink, 'drain', { signal });
  }

  end(): void {
    if (this.#sink !== undefined) {
      this.#sink.end();
      return;
    }
    const body = Buffer.from(this.#held.join(''), 'utf8');
    this.#response.writeHead(200, { ...this.#headers, 'content-length': body.length });
    this.#response.end(body);
  }

  #open(): ServerResponse | Transform {
    const encoding = /\bgzip\b/i.test(this.#acceptEncoding)
      ? 'gzip'
      : /\bdeflate\b/i.test(this.#acceptEncoding)
        ? 'deflate'
        : undefined;
    this.#response.writeHead(200, {
      ...this.#headers,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding, vary: 'Accept-Encoding' }),
    });
    if (encoding === undefined) return this.#response;
    const compressor = encoding === 'gzip' ? createGzip({ level }) : createDeflate({ level });
    compressor.on('error', () => this.#response.destroy());
    compressor.pipe(this.#response);
    return compressor;
  }
}
