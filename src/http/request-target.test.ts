import fc from 'fast-check';
import type { HostName } from '../base/names.ts';
import type { AllowedHost } from './allowed-hosts.ts';
import { describe, expect, it } from 'vitest';
import { isAllowedAddress, isAllowedHost, isAllowedPort, parseAllowedHost } from './allowed-hosts.ts';
import { isLoopbackAddress } from './loopback.ts';
import { serializeAnswer } from './raw-answer.ts';
import { agreeOnHost, parseAbsoluteTarget, parseAuthority, parseHost } from './request-target.ts';

describe('authority', () => {
  it.each([
    ['v1.vault.azure.net', 'v1.vault.azure.net', undefined],
    ['V1.Vault.Azure.Net:443', 'v1.vault.azure.net', 443],
    ['127.0.0.1:8443', 'localhost', 8443],
    ['[::1]:8443', 'localhost', 8443],
    ['169.254.169.254', '169.254.169.254', undefined],
    ['a:65535', 'a', 65_535],
  ])('%s is read', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port });
  });

  it.each([
    '',
    ':443',
    'a:',
    'a:0',
    'a:65536',
    'a:443:1',
    'a b',
    'u@a',
    'a.',
    '-a',
    'a,b',
    'a\t',
    '[fe80::1]',
    '[::1',
    'ü.net',
    'a%2eb',
    'a/b',
  ])('%j is refused', (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});

describe('absolute target', () => {
  it.each([
    ['http://a', { scheme: 'http', host: 'a', port: undefined, path: '/' }],
    ['HTTPS://A:8443/x//y?z=http://b/', { scheme: 'https', host: 'a', port: 8443, path: '/x//y?z=http://b/' }],
    ['http://a?b', { scheme: 'http', host: 'a', port: undefined, path: '/?b' }],
  ])('%s is read', (text, target) => {
    expect(parseAbsoluteTarget(text)).toEqual(target);
  });

  it.each(['/x', 'a', 'ftp://a/', 'http:///x', 'http://u:p@a/', 'http://a/#x', 'http://a\\@b/', '//a/x'])(
    '%j is refused',
    (text) => {
      expect(parseAbsoluteTarget(text)).toBeUndefined();
    },
  );
});

describe('agreement on the host', () => {
  it('never gives a host that one of the names contradicts', () => {
    const name = fc.constantFrom('a.net', 'b.net', 'localhost', '127.0.0.1', 'A.NET', 'a.net:443', 'x y', '');
    const target = fc.oneof(
      name.map((host) => `https://${host}/p`),
      fc.constant('/p'),
      fc.string(),
    );
    const property = fc.property(fc.array(name), fc.array(name), target, (connection, headers, path) => {
      const names = connection.flatMap((text) => parseHost(text) ?? []);
      const rawHeaders = headers.flatMap((host) => ['Host', host]);
      const agreement = agreeOnHost({ connection: names, rawHeaders, target: path });
      if (!agreement.agreed) return;
      expect(headers).toHaveLength(1);
      expect(parseAuthority(headers[0] ?? '')?.host).toBe(agreement.host);
      for (const other of names) expect(other).toBe(agreement.host);
      expect(agreement.path.startsWith('/')).toBe(true);
      if (!path.startsWith('/')) expect(parseAbsoluteTarget(path)?.host).toBe(agreement.host);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('reads headers, not their values', () => {
    const agreement = agreeOnHost({ connection: [], rawHeaders: ['x-a', 'host', 'Host', 'a.net'], target: '/' });
    expect(agreement).toEqual({ agreed: true, host: 'a.net', path: '/' });
  });
});

describe('allowed hosts', () => {
  it.each([
    ['packages.example.org', 'packages.example.org', true],
    ['packages.example.org', 'evil.packages.example.org', false],
    ['*.example.org', 'packages.example.org', true],
    ['*.example.org', 'a.b.example.org', true],
    ['*.example.org', 'example.org', false],
    ['*.example.org', 'evilexample.org', false],
    ['LOCALHOST', '127.0.0.1', true],
  ])('%s and %s: %s', (entry, host, allowed) => {
    const [parsed, name] = [parseAllowedHost(entry), parseHost(host)];
    expect(parsed && name && isAllowedHost([parsed], name)).toBe(allowed);
  });

  it.each([
    '*',
    '*.',
    '*.org',
    'a:0',
    'a:70000',
    'a:9-8',
    'a:',
    'a:443:1',
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    'a/8',
    'https://a',
    'a/b',
    '',
  ])('%j is no host to allow', (text) => {
    expect(parseAllowedHost(text)).toBeUndefined();
  });
});

describe('what an allowed host leads to', () => {
  const entriesOf = (texts: string): readonly AllowedHost[] =>
    texts.split(' ').map((text) => {
      const entry = parseAllowedHost(text);
      if (entry === undefined) throw new Error(text);
      return entry;
    });
  const hostOf = (text: string): HostName => {
    const host = parseHost(text);
    if (host === undefined) throw new Error(text);
    return host;
  };

  it.each<[string, string, readonly number[], readonly number[]]>([
    ['a.example', 'a.example', [443], [80, 8443, 1]],
    ['a.example:8443', 'a.example', [8443], [443, 8442, 8444]],
    ['a.example a.example:8000-8002', 'a.example', [443, 8000, 8001, 8002], [7999, 8003]],
    ['*.b.example:22', 'a.b.example', [22], [443]],
    ['10.0.0.0/8', '10.1.2.3', [443], [80]],
    ['10.0.0.0/8:5000', '10.1.2.3', [5000], [443]],
    ['10.0.0.0/8', '11.1.2.3', [], [443]],
    ['10.1.2.3', '10.1.2.3', [443], [80]],
    ['10.0.0.0/8', 'a.example', [], [443]],
  ])('%s: %s on the ports %j, not on %j', (texts, host, open, shut) => {
    for (const port of open) expect(isAllowedPort(entriesOf(texts), hostOf(host), port), String(port)).toBe(true);
    for (const port of shut) expect(isAllowedPort(entriesOf(texts), hostOf(host), port), String(port)).toBe(false);
  });

  it.each<readonly [string, string, string, boolean]>([
    ...['1.1.1.1', '8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700:4700::1111', '2a00:1450::1'].map(
      (address) => ['a.example', 'a.example', address, true] as const,
    ),
    ...['127.0.0.1', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'].map(
      (address) => ['a.example', 'a.example', address, false] as const,
    ),
    ...['224.0.0.1', '255.255.255.255', '198.18.0.1', '::1', '::', '::ffff:10.0.0.1', '::ffff:8.8.8.8', 'fd00::1'].map(
      (address) => ['a.example', 'a.example', address, false] as const,
    ),
    ...['fe80::1', 'ff02::1', '64:ff9b::a00:1', '2002:a00:1::', '2001:db8::1', '2001::1', 'nonsense', ''].map(
      (address) => ['a.example', 'a.example', address, false] as const,
    ),
    ['a.example 10.0.0.0/8', 'a.example', '10.0.0.1', true],
    ['a.example 10.0.0.0/8', 'a.example', '192.168.0.1', false],
    ['a.example fd00::/8', 'a.example', 'fd00::1', true],
    ['localhost', 'localhost', '127.0.0.1', true],
    ['localhost', 'localhost', '::1', true],
    ['localhost', 'localhost', '10.0.0.1', false],
    ['10.1.2.3', '10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.3', '10.1.2.4', false],
  ])('%s: %s may lead to %s: %s', (texts, host, address, allowed) => {
    expect(isAllowedAddress(entriesOf(texts), hostOf(host), address)).toBe(allowed);
  });
});

describe('loopback addresses', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('%s is one', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });
  it.each(['0.0.0.0', '::', '10.0.0.1', '::ffff:10.0.0.1', '127.0.0.1.example', 'localhost', '', undefined])(
    '%s is none',
    (address) => {
      expect(isLoopbackAddress(address)).toBe(false);
    },
  );
});

describe('raw answer', () => {
  it('has a length, ends the connection and cannot be split', () => {
    const { head, body } = serializeAnswer({
      status: 401,
      headers: { a: 'x\r\ny: z', b: ['1', '2'] },
      body: { k: 'é' },
    });
    expect(head).toBe(
      'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json; charset=utf-8\r\nA: x  y: z\r\nB: 1\r\nB: 2\r\nContent-Length: 10\r\nConnection: close\r\n\r\n',
    );
    expect(body.toString()).toBe('{"k":"é"}');
  });
});
