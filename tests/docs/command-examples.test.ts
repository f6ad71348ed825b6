import { expect, it } from 'vitest';
import { commandExamples } from '../support/command-examples.ts';
import { readAs } from './commands-page.ts';

it.each([...commandExamples])('the example of %s is read as this command: %s', (kind, example) => {
  expect(readAs(example)).toEqual({ kind, problems: [] });
});
