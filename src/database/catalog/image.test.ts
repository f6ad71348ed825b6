import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import { CatalogDraft } from './catalog-draft.ts';
import { CatalogImage } from './image.ts';
import { dropTable } from './dropped-tables.ts';
import { createTable, findTable, renameTables } from './table-changes.ts';

function guid(number: number): Guid {
  const id = parseGuid(`00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`);
  if (id === undefined) throw new Error('an id is one');
  return id;
}
const databases = [guid(1), guid(2)];
const names = ['A', 'B', 'C', 'D'];
const change = fc.record({
  kind: fc.constantFrom('create', 'drop', 'rename', 'swap', 'commit'),
  database: fc.constantFrom(...databases),
  name: fc.constantFrom(...names),
  other: fc.constantFrom(...names),
});

it('a table is found by its name in an image, and in changes that are not durable yet, as in the list of all', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const image = new CatalogImage();
      let draft = new CatalogDraft(image);
      for (const [index, { kind, database, name, other }] of changes.entries()) {
        const table = findTable(draft, database, name);
        const isFree = findTable(draft, database, other) === undefined;
        if (kind === 'create' && table === undefined)
          createTable(draft, database, guid(100 + index), { name, columns: [{ name: 'a', type: 'long' }] });
        if (kind === 'drop' && table !== undefined) dropTable(draft, table, instant(0));
        if (kind === 'rename' && table !== undefined && isFree)
          renameTables(draft, database, [{ from: name, to: other }]);
        if (kind === 'swap' && table !== undefined && !isFree && name !== other)
          renameTables(draft, database, [
            { from: name, to: other },
            { from: other, to: name },
          ]);
        if (kind === 'commit') {
          for (const [record, value] of draft.changes) image.apply(record, value);
          draft = new CatalogDraft(image);
        }
        for (const reader of [image, draft, new CatalogDraft(draft)])
          for (const of of databases)
            for (const one of names)
              expect(findTable(reader, of, one)).toBe(reader.tablesOf(of).find((found) => found.name === one));
      }
    }),
  );
});
