import { describe, expect, it } from 'vitest';
import { keptMessage, keptTarget } from './kept-target.ts';

describe('what is kept of a target', () => {
  it.each([
    [
      '/keys/k1/0123456789abcdef0123456789abcdef?api-version=7.4',
      '/keys/k1/0123456789abcdef0123456789abcdef?api-version=7.4',
    ],
    ['/subscriptions?api-version=2022-12-01-preview', '/subscriptions?api-version=2022-12-01-preview'],
    ['/c/b?restype=container&comp=list&sv=2022-11-02&sig=canary%2F', '/c/b?restype=container&comp=list&sv=…&sig=…'],
    ['/v1/rest/query?db=db&csl=Log%20%7C%20where%20Text%20has%20%22canary%22', '/v1/rest/query?db=…&csl=…'],
    ['/v1.0/users/ada@contoso.com?$top=5&$filter=canary', '/v1.0/users/ada@contoso.com?$top=5&$filter=…'],
    ['/keys/k/?api%2Dversion=7.5&%73ig=canary', '/keys/k/?api-version=7.5&sig=…'],
    ['/a?%zz%3Dcanary=canary', '/a?…=…'],
    ['/a?canary', '/a?…'],
    ['/a?comp', '/a?comp'],
    ['/a?api-version=canary%20with', '/a?api-version=…'],
    ['/a?API-VERSION=7.4', '/a?API-VERSION=7.4'],
    ['/a?&=canary', '/a?&…=…'],
    ['/a#canary', '/a'],
    ['/a?comp=list#canary', '/a?comp=list'],
    ['/a?b=c?sig=canary', '/a?b=…'],
  ])('%s', (sent, kept) => expect(keptTarget(sent)).toBe(kept));

  it.each([
    '/c/b%3Fsig%3Dcanary',
    '/c/sig=canary/b',
    '/c;sig=canary',
    'https://canary:canary@v.vault.azure.net/keys',
    'canary:canary@v.vault.azure.net',
    '//canary:canary@v.vault.azure.net/keys',
    '/x/canary%3Acanary%40host/keys',
    `/x/eyJhbGciOiJSUzI1NiJ9.canary.canary/keys`,
    `/x/canary${'A'.repeat(100)}/keys`,
    `/keys?${'canary'.repeat(20)}=1`,
    `/keys?api-version=${'canary'.repeat(20)}`,
    `/keys?%73ig=canary`,
  ])('hides what may be a secret: %s', (sent) => expect(keptTarget(sent)).not.toContain('canary'));

  it('is short, whatever was sent', () => {
    const long = [
      `/${'a/'.repeat(50_000)}`,
      `/a?${'b=c&'.repeat(50_000)}`,
      `/${':@'.repeat(50_000)}`,
      '='.repeat(100_000),
    ];
    for (const sent of long) expect(keptTarget(sent).length).toBeLessThan(1_000);
    expect(keptTarget(`/a?${'comp=list&'.repeat(20)}`)).toMatch(/^\/a\?(?:comp=list&){12}…$/);
  });
});

it('what is kept of a message has no token, and is short', () => {
  expect(keptMessage('A key with (name/id) k1 was not found.')).toBe('A key with (name/id) k1 was not found.');
  expect(keptMessage("'https://h/c/b?sv=1&sig=canary' with eyJhbGciOiJSUzI1.canary.canary")).not.toContain('canary');
  expect(keptMessage('m'.repeat(10_000))).toHaveLength(501);
});
