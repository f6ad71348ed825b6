import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kqlPage } from './kql-page.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'kql.md');

it('docs/kql.md says what the engine can do', () => {
  const page = kqlPage(readFileSync(path, 'utf8'));
  if (process.env['KUSTODY_WRITE_DOCS'] === '1') writeFileSync(path, page);
  expect(readFileSync(path, 'utf8')).toBe(page);
});
