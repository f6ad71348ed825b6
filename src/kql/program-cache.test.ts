import { expect, it } from 'vitest';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import { programCache } from './program-cache.ts';

it('compiled texts are kept up to so many characters of them all, the newest', async () => {
  const catalog: KqlCatalog = { version: '1', cluster: 'c', databases: [] };
  const compiled: string[] = [];
  const cache = programCache(
    {
      compile: (text) => {
        compiled.push(text);
        return Promise.resolve({ options: {}, parameters: [], lets: [], results: [] } satisfies Program);
      },
    },
    2_000,
  );
  const text = (index: number): string => `print ${index} // ${'x'.repeat(19_900)}`;
  const ask = (index: number) => cache.compile(text(index), 'db', catalog);
  for (let index = 0; index < 100; index += 1) await ask(index);
  await ask(99);
  expect(compiled).toHaveLength(100);
  await ask(0); // 100 texts of 20,000 are twice what is kept
  expect(compiled).toHaveLength(101);
});
