import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FoundTexts, replaceAt } from './found-texts.ts';
import type { SecureText } from './secure-values.ts';
import { masked, maskedBody, secureTextsOf } from './secure-values.ts';

const textsOf = (value: string | object): readonly SecureText[] => {
  const parameter = { name: 'p', type: 'SecureObject', isSecure: true, value: value as string };
  return secureTextsOf({ parameters: new Map([['p', parameter]]) });
};

const starred = (text: string, texts: readonly string[]): string =>
  replaceAt(text, new FoundTexts(texts).placesIn(text), '*');

describe('texts that are found in others', () => {
  it.each([
    [['abc'], 'xabcabcx', 'x**x'],
    [['abc', 'bcd'], 'abcd', '*'],
    [['abcd', 'bc'], 'abcx bcx', 'a*x *x'],
    [['b', 'abcd'], 'abc abcd', 'a*c *'],
    [['aab'], 'aaab', 'a*'],
    [['ab'], '', ''],
    [[], 'abc', 'abc'],
  ])('%j in %j', (texts, text, shown) => {
    expect(starred(text, texts)).toBe(shown);
  });

  it('leave out exactly what one of them covers', () => {
    const letters = (least: number, most: number) =>
      fc.array(fc.constantFrom('a', 'b'), { minLength: least, maxLength: most }).map((list) => list.join(''));
    const case_ = fc.tuple(fc.array(letters(1, 4), { maxLength: 4 }), letters(0, 20));
    fc.assert(
      fc.property(case_, ([texts, text]) => {
        const covered = new Set<number>();
        for (const each of texts)
          for (let at = text.indexOf(each); at >= 0; at = text.indexOf(each, at + 1))
            for (let within = 0; within < each.length; within++) covered.add(at + within);
        const left = Array.from(text)
          .filter((_, at) => !covered.has(at))
          .join('');
        expect(starred(text, texts).replaceAll('*', '')).toBe(left);
      }),
    );
  });
});

describe('secure values', () => {
  it('are stars in texts, numbers and names, and a number only as a whole', () => {
    const texts = textsOf({ a: 'hush', b: 735, c: 'say "x"' });
    const shown = { hush: 'it is hush', list: ['1735', '735.', '(735)', '-735', 735], json: '{"c":"say \\"x\\""}' };
    expect(maskedBody(shown, texts)).toEqual({
      '*******': 'it is *******',
      list: ['1735', '735.', '(*******)', '-*******', '*******'],
      json: '{"c":"*******"}',
    });
    expect(masked({ hush: 'hush' }, texts)).toEqual({ hush: '*******' });
  });

  it('are whole stars where a text has a number in it, or a number a text', () => {
    const shown = masked(['is abc123def', 'no 123', '-912', 'to 2', '129'], textsOf(['abc123def', 123, '2', 912]));
    expect(shown).toEqual(['is *******', 'no *******', '-*******', 'to *******', '1*******9']);
  });

  it('that are very long, or very many, hide every text', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`m${at}`, `secret${at}`]));
    for (const value of ['x'.repeat(4_000_000), many])
      expect(maskedBody({ name: 'anything', none: '', count: 7 }, textsOf(value))).toEqual({
        ...{ name: '*******', none: '', count: 7 },
      });
  });

  it('that begin alike are looked for in time that grows with the text alone', () => {
    const alike = Array.from({ length: 200 }, (_, at) => 's'.repeat(255) + String.fromCharCode(200 + at));
    const began = process.cpuUsage();
    expect(masked(`${'s'.repeat(1_000_000)}${alike[7]}`, textsOf(alike)).length).toBe(1_000_000 + 7);
    const { user } = process.cpuUsage(began);
    expect(user / 1000).toBeLessThan(1500); // an expression of alternatives: 6 s for the million, 0.1 s so
  });
});
