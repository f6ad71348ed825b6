import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());
const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;

/** Trying one way after the other would take ages: 2^40 steps and more. */
const text = `strcat(strrep('a', 40), 'b')`;

describe('regular expressions', () => {
  it.each<[string, unknown]>([
    [`print extract(@'^(a+)+$', 1, ${text})`, ''],
    [`print extract(@'^(a|a)+$', 1, ${text}, typeof(long))`, null],
    [`print extract_all(@'((?:a+)+)c', ${text})`, null],
    [`print replace_regex(${text}, @'(a*)*c', 'x')`, `${'a'.repeat(40)}b`],
    [`print countof(${text}, @'(a+a+)+c', 'regex')`, 0],
    [`print indexof_regex(${text}, @'(a+)+c')`, -1],
    [`print trim_end(@'(a+)+', ${text})`, `${'a'.repeat(40)}b`],
    [`print t = ${text} | extend p = @'^(a+)+$' | project t matches regex p`, false],
    [`print t = ${text} | where t matches regex @'\\b{start}(a+)+c' | count`, 0],
    [`print t = ${text} | parse kind=regex t with @'(a+)+c' x | project x`, ''],
    [`print t = ${text} | parse-where kind=regex t with @'(a+)+c' x | count`, 0],
    [`print t = strrep('a,', 1024) | parse t with * ',a' * ',a' * ',a' * ',a' * ',b' x | project x`, ''],
  ])('take linear time: %s', async (query, value) => {
    expect(await rowsOf(query)).toEqual([[value]]);
  });

  it.each<[string, unknown]>([
    [`print extract(@'{(.*)}', 1, '{a}')`, 'a'],
    [`print '1{1.3}' matches regex @'^\\d{1.3}$'`, true],
    [`print 'a{b}' matches regex @'^\\w+{.*}$'`, true],
    [`print extract(@'(\\\\{|%7B)', 1, @'\\{')`, '\\{'],
    [`print t = '{a}' | project extract(@'^{?([^<]*?)}?$', 1, t)`, 'a'],
    [`print t = 'xxx' | project t matches regex @'^x{3}$' and not(t matches regex @'^x{4}$')`, true],
    [`print replace_regex('["a",b]', @'[[",\\]]', '')`, 'ab'],
    [`print extract(@'[\\<\\>]+', 0, 'a<>b')`, '<>'],
    [`print t = 'a[b' | project extract(@'[[",\\]]', 0, t)`, '['],
    [`print extract(@'[[a-c]&&[b-d]]+', 0, 'abcd')`, 'bc'],
    [`print replace_regex('a0b', @'\\60', 'x')`, 'axb'],
    [`print replace_regex(strcat('a', make_string(0), 'b'), @'\\0', 'x')`, 'axb'],
  ])('take braces, brackets and octal digits that begin nothing else as characters: %s', async (query, value) => {
    expect(await rowsOf(query)).toEqual([[value]]);
  });

  it.each(['{3}', 'a|{1,2}', '(a)\\\\1', '[a', '[[a'])('refuse %s', async (pattern) => {
    await expect(rowsOf(`print 'a' matches regex '${pattern}'`)).rejects.toMatchObject({ code: 'runtime' });
  });

  it('take linear time over many rows', async () => {
    const query = `range x from 1 to 10000 step 1 | extend t = strcat(strrep('a', 40), x) | extend r = replace_regex(t, @'^(a+)+$', 'y')`;
    expect(await rowsOf(`${query} | summarize count(), countif(r == t)`)).toEqual([[10_000, 10_000]]);
  });

  it('take linear time where rows are walked one by one', async () => {
    const rows = `range x from 1 to 3000 step 1 | extend t = strcat(strrep('a', 40), 'b')`;
    const scan = `scan declare (n:string) with (step s: not(t matches regex @'^(a+)+$') => n = extract(@'^(a|a)*b', 1, t);)`;
    expect(await rowsOf(`${rows} | ${scan} | summarize count(), take_any(n)`)).toEqual([[3000, 'a']]);
    const apply = `mv-apply y = pack_array(x) to typeof(long) on (extend n = extract(@'^(a+)+$', 1, t))`;
    expect(await rowsOf(`${rows} | ${apply} | summarize count(), take_any(n)`)).toEqual([[3000, '']]);
  });

  it('take linear time in conditions of graph patterns', async () => {
    const graph = `datatable(s:string, d:string)['a', 'b', 'b', 'c'] | make-graph s --> d`;
    const match = `graph-match (x)-[e]->(y) where not(strcat(strrep('a', 40), e.d) matches regex @'^(a+)+$') project e.d`;
    expect(await rowsOf(`${graph} | ${match} | sort by e_d asc`)).toEqual([['b'], ['c']]);
  });

  it('may be in columns', async () => {
    const query = `range x from 1 to 50 step 1 | extend t = strcat(strrep('a', 40), 'b'), p = strcat('^(a+)+', x, '$')`;
    expect(await rowsOf(`${query} | summarize countif(t matches regex p)`)).toEqual([[0]]);
  });

  it('have a size', async () => {
    const refused = { code: 'limits', message: 'A regular expression in the query is too large.' };
    await expect(rowsOf(`print extract(@'(?:a{1000}){1000}', 0, 'a')`)).rejects.toMatchObject(refused);
    await expect(rowsOf(`print p = @'(?:\\w{1,900}){900}' | project 'a' matches regex p`)).rejects.toMatchObject(
      refused,
    );
    expect(await rowsOf(`print extract(@'(?:a{100}){100}', 0, strrep('a', 1000))`)).toEqual([['']]);
  });

  it.each<[string, unknown]>([
    // V8 takes a negated class of the flag v for its opposite in some loops.
    [`print extract(@'(?:[^,],)+', 0, ',,')`, ''],
    [`print replace_regex('aab', @'(?:[^a]a)+', 'x')`, 'aab'],
    // An empty match does not follow another one.
    [`print replace_regex('baac', @'a*', 'x')`, 'xbxcx'],
    [`print countof('baac', @'a*', 'regex')`, 3],
    // JavaScript would forget a group of an earlier round, and take no empty round.
    [`print extract(@'(?:(a)|b)*', 1, 'ab')`, 'a'],
    [`print extract(@'(|a)*', 0, 'aa')`, ''],
    [`print extract(@'(|a)+', 0, 'aa')`, ''],
    [`print extract(@'(?i:[\\p{L}--\\d]+)b', 0, 'ÀÉb')`, 'ÀÉb'],
    [`print replace_regex('abc', '(b)', @'[\\1\\2\\n]')`, String.raw`a[b\n]c`],
    [`print replace_regex('hello wörld', @'\\b(\\w)', @'<\\1>')`, '<h>ello <w>örld'],
    [`print extract(@'x=(\\d+)', 1, 'y', typeof(long))`, null],
    [`print t = 'abc' | project t matches regex @'\\w{400}'`, false],
    [`print t = 'B' | project t matches regex @'(?i)[[:alpha:]&&[^b]]'`, false],
    [`print extract(@'', 0, '😀'), countof('😀a', @'', 'regex')`, ''],
  ])('find what Data Explorer finds: %s', async (query, value) => {
    expect(((await rowsOf(query)) as unknown[][])[0]?.[0]).toEqual(value);
  });
});
