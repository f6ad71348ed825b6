import { describe, expect, it } from 'vitest';
import { listedKinds, readAs } from './commands-page.ts';
import { commandExamples } from './command-examples.ts';

describe('the example of', () => {
  it.each(listedKinds())('%s is read as this command', (kind) => {
    const example = commandExamples[kind] ?? '';
    const { kind: found, problems } = readAs(example);
    expect({ example, found, problems }).toEqual({ example, found: kind, problems: [] });
  });

  it('a command that is not there is not kept', () => {
    const listed = new Set(listedKinds());
    const policies = Object.keys(commandExamples).filter((kind) => kind.includes('Policy'));
    expect(Object.keys(commandExamples).filter((kind) => !listed.has(kind) && !policies.includes(kind))).toEqual([]);
  });
});
