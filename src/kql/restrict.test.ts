import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RefusingEngine } from './testing/refusing-engine.ts';
import { openRefusingEngine } from './testing/refusing-engine.ts';

const table = (name: string) => ({
  name,
  columns: [{ name: 'd', type: 'dynamic' } as const, { name: 'x', type: 'long' } as const],
});
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [table('Hidden'), table('Open')],
      functions: [
        { name: 'F', parameters: '()', body: '{ Hidden }' },
        { name: 'U', parameters: '()', body: '{ Hidden | evaluate bag_unpack(d) }' },
      ],
    },
    { name: 'other', tables: [table('Far')], functions: [] },
  ],
};

let engine: RefusingEngine;
beforeAll(async () => {
  engine = await openRefusingEngine(catalog);
});
afterAll(() => engine.close());

/** The tables that a query comes to open, if only to fail there. */
async function opensFor(query: string): Promise<readonly string[]> {
  engine.opened.length = 0;
  await expect(engine.run(query)).rejects.toThrow();
  return [...engine.opened];
}

/** Ways to a table that is hidden. */
const ways = [
  ...['Hidden', 'table("Hidden")', 'database("db").Hidden', 'database("db").table("Hidden")', 'F()', 'U()'],
  ...[
    'union *',
    'union H*',
    'union Hid*, Open',
    'union withsource=s *',
    'Open | union Hidden',
    'union isfuzzy=true Open, H*',
  ],
  ...['union database("db").*', 'union database("db").H*', 'union database("other").*', 'database("other").Far'],
  ...['search "a"', 'search in (*) "a"', 'search in (H*) "a"', 'search in (database("db").H*) "a"'],
  ...[
    'find "a"',
    'find in (*) where x == 1',
    'find in (H*) where x == 1',
    'find in (Open, Hidden) where x == 1 | count',
  ],
  ...[
    'let X = () { Hidden }; X()',
    'let X = view () { Hidden }; union *',
    'let f = (T:(x:long)) { union H* }; f(Open)',
  ],
  ...['print toscalar(Hidden | count)', 'Open | where x in (Hidden)', 'Open | where x in ((union H* | project x))'],
  ...[
    'Open | join Hidden on x',
    'Open | lookup (union H*) on x',
    'Open | fork (union H*) (count)',
    'Open | invoke F()',
  ],
  ...[
    'Open | partition by x (union H*)',
    'Hidden | evaluate bag_unpack(d) | project gone',
    'union H* | evaluate bag_unpack(d)',
  ],
  ...['Open | mv-apply d on (union H* | evaluate bag_unpack(d)) | project gone', 'set best_effort; union Open, H*'],
  ...['macro-expand entity_group [database("db")] as X (X.Hidden)', 'cluster("local").database("db").Hidden'],
  ...[
    'restrict access to (*); Hidden',
    'restrict access to (Hidden); Hidden',
    'restrict access to (database("db").*); union H*',
  ],
];

describe.each([
  'restrict access to (Open);',
  'let V = view () { Open }; restrict access to (V);',
  'restrict access to (*);',
])('%s', (restriction) => {
  it.each(ways)('%s opens nothing that is hidden', async (way) => {
    expect((await opensFor(`${restriction} ${way}`)).filter((name) => name !== 'db.Open')).toEqual([]);
  });
});

it.each(['Hidden', 'union H*', 'U()', 'search "a"', 'find in (H*) where x == 1'])(
  '%s opens it otherwise',
  async (way) => {
    expect(await opensFor(way)).toContain('db.Hidden');
  },
);
