import { describe, expect, it } from 'vitest';
import { hidingWhat, obfuscated, withoutHidden } from './obfuscated.ts';

describe('obfuscated', () => {
  it.each([
    [".ingest into table T (h'https://a/b?sig=x', 'c')", ".ingest into table T (h'***', 'c')"],
    ['externaldata(x:string)[h@"https://a/b;key"] | take 1', 'externaldata(x:string)[h@"***"] | take 1'],
    ['print H"secret", h```of\nlines```, h""', 'print H"***", h```***```, h"***"'],
    ["externaldata(x:string)['https://a/b/c.csv?sv=1&sig=x']", "externaldata(x:string)['https://a/b/c.csv?***']"],
    ['print @"abfss://f@a.dfs.core.windows.net/p;QUJD"', 'print @"abfss://f@a.dfs.core.windows.net/p;***"'],
    [
      'print "what? yes; no", x // h"not a literal" https://a?b',
      'print "what? yes; no", x // h"not a literal" https://a?b',
    ],
    ['print h"secret', 'print h"***"'],
    ['print h```secret\nsecret', 'print h```***```'],
    ['print h@"secret\nsecret | take 1', 'print h@"***"'],
    ['externaldata(x:string)["https://a/b?sig=x', 'externaldata(x:string)["https://a/b?***"'],
    ['print "https://a/b", length("a?b")', 'print "https://a/b", length("a?b")'],
  ])('%s', (text, shown) => {
    expect(obfuscated(text)).toBe(shown);
  });
});

describe('withoutHidden', () => {
  it.each([
    [`T | where a == H@'x' or b == "https://a/b?sig=x"`, `T | where a == H@'***' or b == "https://a/b?sig=x"`],
    ['T | where a == "hush" // it\'s h"not a literal"', 'T | where a == "hush" // it\'s h"not a literal"'],
  ])('%s', (text, shown) => {
    expect(withoutHidden(text)).toBe(shown);
  });
});

describe('hidingWhat', () => {
  it.each([
    ['print datetime(h"secret")', `no datetime: 'datetime(h"secret")'`, `no datetime: 'datetime(h"***")'`],
    ["table(h'secret')", "no table named 'secret'", "no table named '***'"],
    ['print h"secret', 'not parsed: print h"secret', 'not parsed: print h"***"'],
    ["externaldata(x:string)['https://a/b?sig=x']", "at 'https://a/b?sig=x'", "at 'https://a/b?***'"],
    ["table(h'ab')", "no table named 'ab'", "no table named '***'"],
    ["x('https://a/$&b?sig=x')", "at 'https://a/$&b?sig=x'", "at 'https://a/$&b?***'"],
    ['print h"at", "plain"', 'not at "plain"', 'not at "plain"'],
  ])('%s', (text, about, shown) => {
    expect(hidingWhat(text)(about)).toBe(shown);
  });

  it('takes time for so many literals as anybody writes, and shows nothing of more', () => {
    const many = Array.from({ length: 100_000 }, (_, index) => `h"secret${index}"`).join(', ');
    expect(hidingWhat(`print ${many}`)('wrong: "secret7"')).toBe('***');
    const some = Array.from({ length: 200 }, (_, index) => `h"secret${index}"`).join(', ');
    expect(hidingWhat(`print ${some}`)('wrong: "secret7"')).toBe('wrong: "***"');
  });
});
