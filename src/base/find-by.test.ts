import { expect, it } from 'vitest';
import { findBy } from './find-by.ts';

it.each([3, 1_000])('finds the first with a key among %i, and nothing for another key', (length) => {
  const list = Array.from({ length }, (_one, index) => ({ name: `Name${index % (length - 1)}`, index }));
  const byName = findBy(({ name }: (typeof list)[number]) => name.toLowerCase());
  expect(byName(list, 'name0')?.index).toBe(0);
  expect(byName(list, 'name1')?.index).toBe(1);
  expect(byName(list, 'Name1')).toBeUndefined();
});

it('looks through a long list once', () => {
  let asked = 0;
  const list = Array.from({ length: 1_000 }, (_one, index) => String(index));
  const itself = findBy((one: string) => {
    asked += 1;
    return one;
  });
  for (const one of list) expect(itself(list, one)).toBe(one);
  expect(asked).toBe(list.length);
});
