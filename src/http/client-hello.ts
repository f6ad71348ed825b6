/** What is known of the server name that a client asks for, after reading part of its first message. */
export type ServerName =
  | { readonly outcome: 'named'; readonly name: string }
  /** No TLS, no server name, or a hello that nobody needs to understand here: the TLS server will say so. */
  | { readonly outcome: 'unnamed' }
  | { readonly outcome: 'more' };

/** The first message of any client fits; key shares of post-quantum groups take a few kilobytes. */
const helloBytesMax = 32 * 1024;
const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;

/** Reads the server name out of a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3), which may be split over records. */
export function readServerName(bytes: Uint8Array): ServerName {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = handshakeBytes(buffer);
  if (message === undefined) return { outcome: 'unnamed' };
  const length = message.length >= 4 ? message.readUIntBE(1, 3) : 0;
  if (message.length >= 1 && message[0] !== clientHello) return { outcome: 'unnamed' };
  if (length > helloBytesMax) return { outcome: 'unnamed' };
  if (message.length < 4 || message.length < 4 + length) {
    return { outcome: buffer.length > helloBytesMax ? 'unnamed' : 'more' };
  }
  const name = serverNameOf(new Reader(message.subarray(4, 4 + length)));
  return name === undefined ? { outcome: 'unnamed' } : { outcome: 'named', name };
}

/** @returns the content of the handshake records so far; undefined when it is no TLS */
function handshakeBytes(buffer: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < buffer.length;) {
    if (buffer[at] !== handshakeRecord || (at + 1 < buffer.length && buffer[at + 1] !== 3)) return undefined;
    if (at + 5 > buffer.length) break;
    const length = buffer.readUInt16BE(at + 3);
    parts.push(buffer.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return Buffer.concat(parts);
}

function serverNameOf(hello: Reader): string | undefined {
  hello.skip(2 + 32); // version, random
  hello.skip(hello.number(1)); // session id
  hello.skip(hello.number(2)); // cipher suites
  hello.skip(hello.number(1)); // compression methods
  const end = hello.number(2) + hello.at;
  while (hello.at < end && !hello.over) {
    const type = hello.number(2);
    const length = hello.number(2);
    if (type !== serverNameExtension) {
      hello.skip(length);
      continue;
    }
    hello.skip(2 + 1); // length of the list, type of its first entry: a host name is the only one there is
    return hello.text(hello.number(2));
  }
  return undefined;
}

/** Reads numbers one after the other; beyond the end everything is 0. */
class Reader {
  at = 0;
  constructor(private readonly bytes: Buffer) {}

  get over(): boolean {
    return this.at >= this.bytes.length;
  }

  skip(count: number): void {
    this.at += count;
  }

  number(width: number): number {
    const inside = this.at + width <= this.bytes.length;
    const value = inside ? this.bytes.readUIntBE(this.at, width) : 0;
    this.at += width;
    return value;
  }

  text(length: number): string | undefined {
    const part = this.bytes.subarray(this.at, this.at + length);
    return length > 0 && part.length === length ? part.toString('latin1') : undefined;
  }
}
