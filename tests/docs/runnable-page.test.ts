import { describe, expect, it } from 'vitest';
import { masked, snippetsOf, withOutputs } from './runnable-page.ts';

const page = ['# A', '', '```bash', 'echo 1', '```', '', '```text', '1', '```', '', '## B', '```ts', 'x', '```'].join(
  '\n',
);

describe('the code of a page', () => {
  it('is found with its heading and its output', () => {
    expect(snippetsOf(page)).toMatchObject([
      { language: 'bash', code: 'echo 1', output: '1', heading: 'A' },
      { language: 'ts', code: 'x', output: undefined, heading: 'B' },
    ]);
  });

  it('has no output that belongs to another', () => {
    const other = page.replace('```\n\n```text', '```\n\nWords.\n\n```text');
    expect(snippetsOf(other)[0]?.output).toBeUndefined();
  });

  it('gets new output in its place', () => {
    const [first] = snippetsOf(page);
    if (first === undefined) throw new Error('no snippet');
    expect(withOutputs(page, new Map([[first, '2\n3\n']]))).toBe(page.replace('\n1\n', '\n2\n3\n'));
  });

  it('must end', () => {
    expect(() => snippetsOf('```bash\necho')).toThrow('line 1');
  });

  it('is compared without what differs from run to run, and with everything else', () => {
    expect(masked('a 0f8fad5b-d9cb-469f-a165-70867728950e b 0123456789abcdef0123456789abcdef\n')).toBe(
      'a GUID b VERSION',
    );
    expect(masked('since 2026-11-27T10:00:00Z, 3 rows')).toBe('since TIME, 3 rows');
  });
});
