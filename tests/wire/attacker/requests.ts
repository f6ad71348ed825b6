import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked } from './attacked.ts';
import { audiences, db, hosts } from './attacked.ts';

const planes = ['arm', 'vault', 'cluster'] as const;
type Plane = (typeof planes)[number];

const reading = {
  arm: 'GET /subscriptions?api-version=2021-04-01 HTTP/1.1',
  vault: 'GET /keys/k?api-version=7.4 HTTP/1.1',
  cluster: 'GET /v1/rest/ping HTTP/1.1',
} as const;
const writing = {
  arm: 'POST /subscriptions?api-version=2021-04-01 HTTP/1.1',
  vault: 'POST /keys/k/wrapkey?api-version=7.4 HTTP/1.1',
  cluster: 'POST /v1/rest/query HTTP/1.1',
} as const;

async function head(attacked: Attacked, plane: Plane, line: string, lines: readonly string[]): Promise<string> {
  const authorization = `authorization: Bearer ${await attacked.tokenFor(audiences[plane])}`;
  return [line, `host: ${hosts[plane]}`, authorization, ...lines, 'connection: close', '', ''].join('\r\n');
}

/** The statuses of all answers on one connection. */
const statuses = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));

const chunked = 'transfer-encoding: chunked';
const json = 'content-type: application/json';
const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n';

/** Bodies whose end two readers could see in two places. Host names: tests/wire/edge/hosts.test.ts; time limits: limits.test.ts there. */
const ambiguous: readonly (readonly [string, readonly string[], string])[] = [
  ['Content-Length before Transfer-Encoding', ['content-length: 4', chunked], `0\r\n\r\n${smuggled}`],
  ['Transfer-Encoding before Content-Length', [chunked, 'content-length: 4'], `0\r\n\r\n${smuggled}`],
  ['two Content-Lengths', ['content-length: 2', 'content-length: 50'], `{}${smuggled}`],
  ['the same Content-Length twice', ['content-length: 2', 'content-length: 2'], '{}'],
  ['a list as Content-Length', ['content-length: 2, 2'], '{}'],
  ['a Content-Length with a sign', ['content-length: +2'], '{}'],
  ['a negative Content-Length', ['content-length: -2'], '{}'],
  ['a Content-Length in hexadecimal', ['content-length: 0x2'], '{}'],
  ['a Content-Length of 23 digits', ['content-length: 99999999999999999999999'], '{}'],
  ['an empty Content-Length', ['content-length: '], '{}'],
  ['Transfer-Encoding: identity', ['transfer-encoding: identity'], '{}'],
  ['Transfer-Encoding: xchunked', ['transfer-encoding: xchunked'], '2\r\n{}\r\n0\r\n\r\n'],
  ['chunked before another coding', ['transfer-encoding: chunked, identity'], '2\r\n{}\r\n0\r\n\r\n'],
  ['chunked twice', [chunked, chunked], '2\r\n{}\r\n0\r\n\r\n'],
  ['chunked in quotes', ['transfer-encoding: "chunked"'], '2\r\n{}\r\n0\r\n\r\n'],
  ['chunked after a vertical tab', ['transfer-encoding: \x0bchunked'], '2\r\n{}\r\n0\r\n\r\n'],
  ['a space before the colon', ['transfer-encoding : chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  ['Transfer-Encoding in a folded line', ['x-a: b', ' transfer-encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'],
  ['a line feed in a chunk extension', [chunked], '2;a\nb\r\n{}\r\n0\r\n\r\n'],
  ['a chunk of 2^68 bytes', [chunked], 'FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n'],
  ['a chunk of -2 bytes', [chunked], '-2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk of 0x2 bytes', [chunked], '0x2\r\n{}\r\n0\r\n\r\n'],
  ['chunks that end with line feeds', [chunked], '2\n{}\n0\n\n'],
];

/** Heads that are no HTTP. */
const malformed: readonly (readonly [string, (line: string) => string, readonly string[]])[] = [
  ['a folded header', (line) => line, ['x-a: b', ' c: d']],
  ['a folded first header', (line) => `${line}\r\n x: y`, []],
  ['a carriage return in a value', (line) => line, ['x-a: b\rx-b: c']],
  ['NUL in a value', (line) => line, ['x-a: b\0c']],
  ['NUL in a name', (line) => line, ['x\0a: b']],
  ['a space in a name', (line) => line, ['x a: b']],
  ['a header without colon', (line) => line, ['x-a']],
  ['a header without name', (line) => line, [': x']],
  ['a tab in the request line', (line) => line.replace(' HTTP', '\tHTTP'), []],
  ['a line feed in the path', (line) => line.replace('?', '\n?').replace(' HTTP', '\nx HTTP'), []],
  ['NUL in the path', (line) => line.replace(' HTTP', '\0 HTTP'), []],
  ['a version that does not exist', (line) => line.replace('1.1', '1.2').replace('HTTP/1.1', 'HTTP/1.2'), []],
  ['a method in lower case', (line) => line.toLowerCase().replace('http/', 'HTTP/'), []],
  ['a method that nobody knows', (line) => line.replace('GET', 'EVIL'), []],
  ['a second HTTP version', (line) => `${line} HTTP/1.1`, []],
];

export function describeRequests(attacked: () => Attacked): void {
  describe.each(planes)('on one connection to the plane %s', (plane) => {
    it.each(sample(ambiguous, 4, `ambiguous ${plane}`))('%s is no request', async (_what, lines, body) => {
      const start = await head(attacked(), plane, writing[plane], [json, ...lines]);
      expect(statuses(await attacked().raw(hosts[plane], start + body))).toEqual([400]);
    });

    it.each(sample(malformed, 4, `malformed ${plane}`))('%s is no request', async (_what, change, lines) => {
      const start = await head(attacked(), plane, change(reading[plane]), lines);
      expect(statuses(await attacked().raw(hosts[plane], Buffer.from(start, 'latin1')))).toEqual([400]);
    });

    it('line feeds alone, and the preface of HTTP/2, are no request', async () => {
      const start = await head(attacked(), plane, reading[plane], []);
      expect(statuses(await attacked().raw(hosts[plane], start.replaceAll('\r\n', '\n')))).toEqual([400]);
      expect(statuses(await attacked().raw(hosts[plane], 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toEqual([400]);
    });

    it('a request in the body of another is not answered', async () => {
      const length = `content-length: ${smuggled.length}`;
      const start = await head(attacked(), plane, reading[plane], [json, length]);
      const text = await attacked().raw(hosts[plane], start + smuggled);
      expect(statuses(text)).toHaveLength(1);
      expect(text).not.toContain('smuggled');
    });

    it('two requests in one piece are two, each with its own sender', async () => {
      const good = (await head(attacked(), plane, reading[plane], [])).replace('connection: close\r\n', '');
      const anonymous = `${reading[plane]}\r\nhost: ${hosts[plane]}\r\nconnection: close\r\n\r\n`;
      expect(statuses(await attacked().raw(hosts[plane], good + anonymous))).toEqual([200, 401]);
    });

    it('credentials in the trailer of a body count for nothing', async () => {
      const start = await head(attacked(), plane, writing[plane], [json, chunked]);
      const [, authorization = ''] = /(authorization: .*?)\r\n/.exec(start) ?? [];
      const bytes = `${start.replace(`${authorization}\r\n`, '')}2\r\n{}\r\n0\r\n${authorization}\r\n\r\n`;
      expect(statuses(await attacked().raw(hosts[plane], bytes))).toEqual([401]);
    });

    it('chunk extensions are read over when small, and end the request when not', async () => {
      const start = await head(attacked(), plane, writing[plane], [json, chunked]);
      const small = statuses(await attacked().raw(hosts[plane], `${start}2;a="b"\r\n{}\r\n0\r\n\r\n`));
      expect(small).toEqual([plane === 'arm' ? 405 : 400]);
      const large = await attacked().raw(hosts[plane], `${start}2;${'a'.repeat(1_000_000)}\r\n{}\r\n0\r\n\r\n`);
      expect([[], [400]]).toContainEqual(statuses(large));
    });

    it('nobody is led anywhere else by CONNECT, TRACE or Upgrade', async () => {
      for (const target of ['127.0.0.1:22', `${hosts[plane]}:443`]) {
        const start = await head(attacked(), plane, `CONNECT ${target} HTTP/1.1`, []);
        expect(await attacked().raw(hosts[plane], start)).toBe('');
      }
      const trace = await attacked().raw(
        hosts[plane],
        await head(attacked(), plane, 'TRACE / HTTP/1.1', ['x-a: secret']),
      );
      expect(statuses(trace)).toEqual([plane === 'arm' ? 400 : 404]);
      expect(trace).not.toContain('secret');
      for (const name of ['h2c', 'websocket', 'TLS/1.0']) {
        const start = await head(attacked(), plane, reading[plane], [`upgrade: ${name}`]);
        const text = await attacked().raw(
          hosts[plane],
          start.replace('connection: close', 'connection: close, upgrade'),
        );
        expect(statuses(text)).toEqual([200]);
      }
    });

    it('a body that grows too large by chunks is refused', async () => {
      const start = await head(attacked(), plane, writing[plane].replace('POST /subscriptions', 'PUT /subscriptions'), [
        ...[json, chunked],
      ]);
      const bytes = start.replace('/subscriptions?', `${attacked().group}?`);
      const chunk = Buffer.from(`100000\r\n${' '.repeat(0x100000)}\r\n`);
      const pieces = Array.from({ length: 18 }, () => chunk);
      const text = await attacked().raw(hosts[plane], bytes, ...pieces, '0\r\n\r\n');
      expect([[], [413]]).toContainEqual(statuses(text)); // a reset may overtake the answer
    });
  });

  // Planes that take bytes read them as far as they may, so that the answer reaches a client that is still sending; the end of those that
  // never send: tests/wire/edge/limits.test.ts.
  it.each([100_000_000, 2 ** 53 + 2])('a resource of %i bytes is refused before it comes', async (length) => {
    const line = `PUT ${attacked().group}?api-version=2021-04-01 HTTP/1.1`;
    const start = await head(attacked(), 'arm', line, [json, `content-length: ${length}`]);
    expect(statuses(await attacked().raw(hosts.arm, start))).toEqual([413]);
  });

  it('what follows an answer under way does not get into it', async () => {
    const csl = 'range x from 1 to 400000 step 1 | extend s = strcat("row ", x)';
    const body = JSON.stringify({ db, csl });
    const lines = [json, 'accept: application/json', `content-length: ${body.length}`];
    const start = await head(attacked(), 'cluster', writing.cluster, lines);
    const { port } = attacked().server;
    const socket = tlsConnect({ host: '127.0.0.1', port, servername: hosts.cluster, ca: attacked().ca });
    socket.on('error', () => undefined);
    socket.write(start.replace('connection: close\r\n', '') + body);
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => {
      if (pieces.push(piece) === 1) socket.write('\0\0 what is no request \r\n\r\n');
    });
    await once(socket, 'close');
    expect(statuses(Buffer.concat(pieces).toString())).toEqual([200]);
  });

  it('a server name that is not the host is refused, whichever of the two is the cluster', async () => {
    for (const [servername, host] of [
      [hosts.vault, hosts.cluster],
      [hosts.cluster, hosts.vault],
      [hosts.cluster, 'second.eastus.kusto.windows.net'],
      [hosts.vault, hosts.otherVault],
      [hosts.control, hosts.arm],
      [hosts.arm, hosts.control],
      [hosts.entra, hosts.arm],
    ] as const) {
      const text = await attacked().raw(servername, `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect(statuses(text)).toEqual([421]);
    }
  });
}
