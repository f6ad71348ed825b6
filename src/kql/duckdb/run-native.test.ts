import { describe, expect, it } from 'vitest';
import { KqlError } from '../plan/kql-error.ts';
import { regex } from '../algorithms/regex/regex.ts';
import type { NativeValue } from '../sql/native.ts';
import { NativeBudget, nativeLimit } from './native-budget.ts';
import { runNative } from './run-native.ts';

function results(texts: readonly string[], run: (text: string) => NativeValue): readonly (NativeValue | undefined)[] {
  const values: NativeValue[] = [];
  runNative(
    { hasPatterns: true, run: ([text]) => run(String(text)) },
    { rowCount: texts.length, columns: [texts], bytesMax: Infinity },
    (row, value) => {
      values[row] = value;
    },
    new NativeBudget(nativeLimit),
  );
  return values;
}

describe('a native function that matches regular expressions', () => {
  const endless = `${'a'.repeat(40)}b`;

  it('goes on with the row where V8 took too long', () => {
    // Expressions are kept, with what is known of them: another test must not have tried this one.
    const ends = regex('^(a+a?)+$');
    const calls: string[] = [];
    const texts = ['a', 'b', endless, 'aa', endless, ''];
    const found = results(texts, (text) => {
      calls.push(text);
      return ends.test(text);
    });
    expect(found).toEqual([true, false, false, true, false, false]);
    expect(calls).toEqual(['a', 'b', endless, endless, 'aa', endless, '']);
  });

  it('does not give V8 the same expression again and again', () => {
    const ends = regex('^(?:a+a?)+c$');
    const started = process.hrtime.bigint();
    for (let chunk = 0; chunk < 200; chunk += 1) expect(results([endless], (text) => ends.test(text))).toEqual([false]);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(5_000);
  });

  it('gives long texts slice by slice', () => {
    const texts = Array.from({ length: 10 }, (_, index) => `${'x'.repeat(100_000)}${index}`);
    const digit = regex(String.raw`\d`);
    expect(results(texts, (text) => digit.exec(text)?.[0] ?? '')).toEqual(texts.map((_text, index) => String(index)));
  });

  it('passes errors on', () => {
    const fail = (): never => {
      throw new KqlError('runtime', 'mine');
    };
    expect(() => results(['a'], fail)).toThrow('mine');
  });
});
