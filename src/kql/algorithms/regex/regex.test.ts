import { describe, expect, it } from 'vitest';
import { re2Pattern } from './re2.ts';
import { regex } from './regex.ts';

/** Expressions, texts and what they match there; the syntax that the KQL documentation (regex.md) lists. */
const found: readonly (readonly [string, string, string | undefined])[] = [
  [String.raw`\w+`, '- café', 'café'],
  [String.raw`\d+`, 'x٣٤', '٣٤'],
  [String.raw`(?-u:\w)+`, 'écafé', 'caf'],
  [String.raw`\bé\w*\b`, 'x été', 'été'],
  [String.raw`\pL+`, '12ab', 'ab'],
  [String.raw`\p{Greek}+`, 'aβγ', 'βγ'],
  [String.raw`\PL+`, 'a12', '12'],
  ['[[:^alpha:]]+', 'abc12', '12'],
  ['[x[^xyz]]+', 'yxa', 'xa'],
  ['[a-y&&xyz]+', 'zyx', 'yx'],
  ['[0-9&&[^4]]+', '4123', '123'],
  ['[0-9--4]+', '4123', '123'],
  ['[a-g~~b-h]+', 'bcah', 'ah'],
  [String.raw`[\[\]]+`, 'x[]', '[]'],
  ['[]a]+', 'x]a', ']a'],
  ['a{2,3}?', 'aaaa', 'aa'],
  ['(?U)a{2,3}', 'aaaa', 'aa'],
  ['(?i)a+(?-i)b+', 'AabB', 'Aab'],
  ['(?i:ABC)d', 'xabcd', 'abcd'],
  ['(?x) a b # and\n c', 'abc', 'abc'],
  ['a.b', 'a\nb', undefined],
  ['(?s)a.b', 'a\nb', 'a\nb'],
  ['(?s)^.*b', 'a\nb', 'a\nb'],
  ['(?m)^b$', 'a\nb\nc', 'b'],
  ['(?mR)^b$', 'a\r\nb\r\n', 'b'],
  [String.raw`\Aa\z`, 'a', 'a'],
  ['a$', 'a\n', undefined],
  [String.raw`\<f\w*\>`, 'a foo', 'foo'],
  [String.raw`\b{start}f\w`, 'af fo', 'fo'],
  [String.raw`\x41\x{42}\u0043\U00000044\u{45}\105\a`, 'ABCDEE\x07', 'ABCDEE\x07'],
];

describe('regular expressions', () => {
  it.each(found)('%s in %j finds %j', (pattern, text, match) => {
    expect(regex(pattern).exec(text)?.[0]).toBe(match);
  });

  it.each([
    ['(?=a)', 'look-around'],
    ['(?<!a)', 'look-around'],
    [String.raw`(a)\1`, 'back references'],
    [String.raw`\Qa\E`, String.raw`\Q`],
    [String.raw`a\Z`, String.raw`\Z`],
    ['(a', 'not closed'],
    ['a)', 'not opened'],
    ['[a', 'not closed'],
    ['*a', 'nothing to repeat'],
    ['a{3,2}', 'out of range'],
    ['[z-a]', 'range of characters'],
    [String.raw`\p{Zork}`, 'Unicode class'],
    ['(?P<a>x)(?P<a>y)', 'one name'],
  ])('%s is refused: %s', (pattern, reason) => {
    expect(() => regex(pattern)).toThrow(reason);
  });

  it('names groups as KQL allows it', () => {
    expect(regex('(?<a.b>x)(y)(?P<c>z)').names).toEqual([undefined, 'a.b', undefined, 'c']);
  });

  it.each([
    // V8 takes a negated class of the flag v for its opposite in some loops.
    ['(?:[^a]a)+', 'aa', undefined],
    ['(?:[^,],){1,2}', ',,,,', undefined],
    // JavaScript takes no round that is empty, and forgets groups of earlier rounds.
    ['(?:|a)+', 'aa', ''],
    // Nothing is found in the middle of a character, nor do letters count as ASCII that only fold to it.
    [String.raw`b|\b{start-half}c?$`, '😀', ''],
    [String.raw`(?i)(?-u:\b)k`, 'ſk', 'k'],
    [String.raw`(?i-u:\w)+`, 'ſk\u212a', 'k'],
    [String.raw`(?i:[\p{L}--\d]+)b`, 'ÀÉb', 'ÀÉb'],
  ])('%s in %j finds %j, whoever looks', (pattern, text, match) => {
    expect(regex(pattern).exec(text)?.[0]).toBe(match);
    expect(regex(pattern).findByAutomaton(text, 0, true)?.[0]).toBe(match);
  });

  it('have a size', () => {
    expect(() => regex('(?:a{1000}){1000}')).toThrow('too large');
    const large = regex('^(?:a{100}){100}$');
    expect([9_999, 10_000, 10_001].map((length) => large.test('a'.repeat(length)))).toEqual([false, true, false]);
    expect(re2Pattern(String.raw`\w{400}`)).toBeUndefined();
  });

  it('goes to RE2 where it means the same', () => {
    expect(re2Pattern('^a.*')).toEqual({ pattern: String.raw`\Aa(?:[^\n])*`, asciiOnly: false });
    expect(re2Pattern(String.raw`\ba`)).toMatchObject({ asciiOnly: true });
    expect(re2Pattern(String.raw`(?-u:\b)a`)).toMatchObject({ asciiOnly: false });
    expect(re2Pattern(String.raw`[a-c&&[^b]]`)).toEqual({ pattern: '[ac]', asciiOnly: true });
    expect(re2Pattern(String.raw`\b{start}a`)).toBeUndefined();
    expect(re2Pattern('(a{100}){100}')).toBeUndefined();
  });
});
