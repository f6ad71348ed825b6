import { beforeAll, describe, expect, it } from 'vitest';
import { functionFacts } from '../../../language.ts';
import type { CatalogFunction, KqlCatalog } from '../../../plan/catalog.ts';
import type { Column } from '../../../plan/types.ts';
import type { ParserReply, ParserRequest } from '../../parser-protocol.ts';
import { ToldCatalogs } from '../../catalog-differences.ts';
import { loadLanguage } from '../load-language.ts';
import type { SyntaxNode } from '../language/language.ts';
import { languagePackage } from '../language/language.ts';
import { answer } from '../serve.ts';
import { boundBytes } from './bound-bytes.ts';
import { sharedBodyLimits } from './shared-bodies.ts';

type Bind = (...given: unknown[]) => boolean;

const functions: readonly CatalogFunction[] = [
  { name: 'All', parameters: '()', body: '{ T | where a > 1 }' },
  { name: 'Above', parameters: '(n:long = 3)', body: '{ let cut = (x:long) { T | where a > x }; cut(n) }' },
  { name: 'Of', parameters: '(name:string)', body: '{ table(name) | count }' },
  { name: 'Over', parameters: '(rows:(a:long))', body: '{ rows | summarize sum(a) }' },
  { name: 'Outer', parameters: '(n:long = 5)', body: '{ union isfuzzy=true Above(n), Gone, All }' },
  { name: 'Broken', parameters: '()', body: '{ Gone | where x > 1 }' },
  { name: 'Bag', parameters: '()', body: '{ T | extend d = dynamic({"k":1}) | evaluate bag_unpack(d) }' },
  { name: 'Every', parameters: '()', body: '{ union T, U | summarize count() }' },
];
const catalogOf = (version: string, columns: readonly Column[] = [{ name: 'a', type: 'long' }]): KqlCatalog => ({
  version,
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [
        { name: 'T', columns },
        { name: 'U', columns: [{ name: 'b', type: 'string' }] },
      ],
      functions,
    },
  ],
});

let bound = 0;
let lastVersion = 0;
const told = new ToldCatalogs(8);
/** Compiles texts one after the other over one version of the catalog that no other call of this has seen. */
function compileOver(): (text: string, rest?: Partial<ParserRequest>) => ParserReply {
  lastVersion += 1;
  const version = `shared-${lastVersion}`;
  return compilerFor(catalogOf(version));
}
function compilerFor(catalog: KqlCatalog): (text: string, rest?: Partial<ParserRequest>) => ParserReply {
  const difference = told.difference(catalog);
  if (difference) answer({ id: 1, k: 'catalog', catalog: difference });
  return (text, rest) =>
    answer({ id: 1, k: 'query', text, database: 'db', catalogVersion: catalog.version, ...rest } as ParserRequest);
}

beforeAll(() => {
  loadLanguage();
  answer({ id: 1, k: 'functions', functions: functionFacts });
  const binder = languagePackage().Binding.Binder as unknown as { TryBindCalledFunctionBody: Bind };
  const { TryBindCalledFunctionBody: official } = binder;
  binder.TryBindCalledFunctionBody = function (this: unknown, ...given) {
    bound += 1;
    return official.apply(this, given);
  };
});

const texts = [
  'All | count',
  'Above(1) | count',
  'Above(2) | count',
  'Above | count',
  'let n = 7; Above(n)',
  'Of("T")',
  'Of("U")',
  'let U = T; Of("U")',
  'Over(T)',
  'Over((T | where a > 2))',
  'Outer()',
  'Outer(9) | count',
  'union isfuzzy=true Outer, Broken',
  'union isfuzzy=true T, Broken',
  'Broken',
  'T | where a in (All)',
  'declare query_parameters(p:string = "T"); Of(p)',
  'restrict access to (T); Every',
  'Every',
  'set best_effort; union T, Broken',
  'union T, Broken',
  'Bag',
];

describe('bodies of stored functions', () => {
  it.each(['All | count', 'Above(2) | where a < 9', 'Outer(4)', 'union Above(1), All', 'Of("T")'])(
    'are bound once for all queries that call them alike: %s',
    (text) => {
      const compile = compileOver();
      compile(text);
      compile(`${text} `);
      bound = 0;
      expect(compile(`${text} | take 5`)).toMatchObject({ k: 'program' });
      expect(bound).toBe(0);
    },
  );

  it('are bound once for the legs of a fuzzy union, whether their functions are known before or not', () => {
    for (const text of [
      'Outer(4)',
      'union isfuzzy=true Above(1), All',
      'union isfuzzy=true (Outer(4) | where a > 1), T',
    ]) {
      const compile = compileOver();
      compile(text);
      bound = 0;
      expect(compile(`${text} `)).toMatchObject({ k: 'program' });
      expect({ text, bound }).toEqual({ text, bound: 0 });
    }
  });

  it('mean in any order of queries what they mean alone', () => {
    const alone = new Map(texts.map((text) => [text, compileOver()(text)]));
    for (const order of [texts, texts.toReversed(), [...texts, ...texts]]) {
      const compile = compileOver();
      for (const text of order) expect({ text, reply: compile(text) }).toEqual({ text, reply: alone.get(text) });
    }
    expect(alone.get('Broken')).toMatchObject({ k: 'refused' });
    expect(alone.get('union isfuzzy=true T, Broken')).toMatchObject({ k: 'program' });
  });

  it('are bound to the columns that a run has told of', () => {
    const compile = compileOver();
    compile('Bag');
    const typeOf = (type: string): unknown => {
      const schemas = [{ place: 'db.Bag:36', columns: [{ name: 'k', type }] }];
      const reply = compile('Bag | project k', { told: schemas } as Partial<ParserRequest>);
      return reply.k === 'program' && reply.program.results[0]?.plan.cols;
    };
    expect(typeOf('long')).toEqual([{ name: 'k', type: 'long' }]);
    expect(typeOf('string')).toEqual([{ name: 'k', type: 'string' }]);
  });

  it('weigh what they are bound to, however short their texts are', () => {
    const columns = Array.from({ length: 1_000 }, (_one, n) => ({ name: `c${n}`, type: 'string' }) as const);
    const doubled = '{ let one = W | where c0 == n; let two = one | join one on c0; two | join two on c0 }';
    const short = `{ T | where a == n ${'and a != n '.repeat(5)}}`;
    const compile = compilerFor({
      ...{ version: 'shared-wide', cluster: 'local' },
      databases: [
        {
          name: 'db',
          tables: [
            { name: 'T', columns: [{ name: 'a', type: 'string' }] },
            { name: 'W', columns },
          ],
          functions: [
            { name: 'Doubled', parameters: '(n:string)', body: doubled },
            { name: 'Short', parameters: '(n:string)', body: short },
          ],
        },
      ],
    });
    const added: { readonly Root: SyntaxNode }[] = [];
    const binder = languagePackage().Binding.Binder.prototype as { AddExpansionToCache: Add };
    type Add = (call: unknown, body: { readonly Root: SyntaxNode }) => void;
    const { AddExpansionToCache: official } = binder;
    binder.AddExpansionToCache = function (this: unknown, call, body) {
      added.push(body);
      official.call(this, call, body);
    };
    for (const name of ['Short', 'Doubled']) expect(compile(`${name}('x') | count`)).toMatchObject({ k: 'program' });
    binder.AddExpansionToCache = official;
    const { max, of } = sharedBodyLimits.weight;
    const [light = 0, heavy = 0] = added.map((body) => of('', body));
    expect(added).toHaveLength(2);
    // Half as long a text as the first was measured to take 40 kB, one that doubles 2,000 columns 4.5 MB.
    expect([Math.floor(light / 50_000), Math.round(heavy / 2_000_000)]).toEqual([1, 1]);
    expect(max / light).toBeGreaterThan(1_000);
    expect(boundBytes(added[1]?.Root as SyntaxNode, 500_000)).toBeLessThan(1_000_000);
  });

  it('are not shared once one could not be bound', () => {
    const [compile, alone] = [compileOver(), compileOver()];
    const visitors = languagePackage().Binding.Binder.NodeBinder.prototype as { VisitFilterOperator: Bind };
    const { VisitFilterOperator: official } = visitors;
    visitors.VisitFilterOperator = () => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    const without = compile('Outer');
    visitors.VisitFilterOperator = official;
    expect(compile('Outer')).toEqual(alone('Outer'));
    expect(without).not.toEqual(alone('Outer'));
  });

  it('are those of the tables and functions of the catalog that is asked about', () => {
    const [before, after] = [
      catalogOf('shared-before'),
      catalogOf('shared-after', [
        { name: 'a', type: 'long' },
        { name: 'c', type: 'long' },
      ]),
    ].map(compilerFor);
    const columns = (reply: ParserReply | undefined): unknown =>
      reply?.k === 'program' && reply.program.results[0]?.plan.cols.map(({ name }) => name);
    expect(columns(before?.('All'))).toEqual(['a']);
    expect(columns(after?.('All'))).toEqual(['a', 'c']);
    expect(columns(before?.('All '))).toEqual(['a']);
  });
});
