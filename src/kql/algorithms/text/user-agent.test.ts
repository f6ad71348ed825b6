import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseUserAgent, rulesOf } from './user-agent.ts';

const all = new Set(['browser', 'os', 'device'] as const);

describe('a user agent', () => {
  // Both recorded on Microsoft's engine.
  it('is what its patterns say', () => {
    const air = 'Mozilla/5.0 (Windows; U; en-US) AppleWebKit/531.9 (KHTML, like Gecko) AdobeAIR/2.5.1';
    expect(parseUserAgent(air, new Set(['browser']))).toEqual({
      Browser: { Family: 'AdobeAIR', MajorVersion: '2', MinorVersion: '5', Patch: '1' },
    });
    const nokia =
      'Mozilla/5.0 (SymbianOS/9.2; U; Series60/3.1 NokiaN81-3/10.0.032 Profile/MIDP-2.0 Configuration/CLDC-1.1 ) AppleWebKit/413 (KHTML, like Gecko) Safari/4';
    expect(parseUserAgent(nokia, all)).toEqual({
      Browser: { Family: 'Nokia OSS Browser', MajorVersion: '3', MinorVersion: '1', Patch: '' },
      OperatingSystem: { Family: 'Symbian OS', MajorVersion: '9', MinorVersion: '2', Patch: '', PatchMinor: '' },
      Device: { Family: 'Nokia N81', Brand: 'Nokia', Model: 'N81-3' },
    });
  });

  it('has the patterns that a YAML library reads', () => {
    const yaml = readFileSync(createRequire(import.meta.url).resolve('uap-core/regexes.yaml'), 'utf8');
    expect(rulesOf(yaml)).toEqual(parse(yaml));
    expect(() => rulesOf('os_parsers:\n  - regex: "double"')).toThrow('No rule');
  });

  it('that nobody knows is another one', () => {
    expect(parseUserAgent('?', all)).toEqual({
      Browser: { Family: 'Other', MajorVersion: '', MinorVersion: '', Patch: '' },
      OperatingSystem: { Family: 'Other', MajorVersion: '', MinorVersion: '', Patch: '', PatchMinor: '' },
      Device: { Family: 'Other', Brand: '', Model: '' },
    });
  });

  it('that somebody made up to keep a pattern busy comes to an end', () => {
    for (const piece of ['a', ' ', ';', '/1.', '(', 'Android ', 'Mozilla/5.0 ', 'Build/'])
      expect(parseUserAgent(piece.repeat(4096 / piece.length), all)).toHaveProperty('Browser');
  });
});
