import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowedHost, parseAllowedHost } from './allowed-hosts.ts';
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

  it.each(['*', '*.', '*.org', 'a:443', 'https://a', 'a/b', ''])('%j is no host to allow', (text) => {
    expect(parseAllowedHost(text)).toBeUndefined();
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
      'HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json; charset=utf-8\r\na: x  y: z\r\nb: 1\r\nb: 2\r\ncontent-length: 10\r\nconnection: close\r\n\r\n',
    );
    expect(body.toString()).toBe('{"k":"é"}');
  });
});
