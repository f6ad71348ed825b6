import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from './command-pipe.ts';
import { queryRequest } from './query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table People (id:string, name:string, age:long, role:string)');
  await cluster.run('.ingest inline into table People <| p1,Alice,25,Manager\np2,Bob,30,\np3,Emma,26,Engineer');
  await cluster.run('.create table Firms (id:string, name:string, labels:dynamic)');
  await cluster.run('.ingest inline into table Firms <| c1,TechCorp,"[""Listed"",""Old""]"\nc2,Data,');
  await cluster.run('.create table Work (who:string, firm:string, since:datetime)');
  await cluster.run('.ingest inline into table Work <| p1,c1,2020-01-01\np2,c1,2021-01-01\np3,c2,2022-01-01');
  await cluster.run('.create table Knows (a:string, b:string, how:string)');
  await cluster.run('.ingest inline into table Knows <| p1,p2,friend\np2,p3,colleague\np3,p9,friend');
  await cluster.run(`.create-or-alter graph_model Simple \`\`\`${JSON.stringify(simple)}\`\`\``);
});
afterAll(() => cluster.close());

const simple = {
  Schema: {
    Nodes: { Person: { name: 'string', age: 'long' }, Company: { name: 'string' } },
    Edges: { works_at: { since: 'datetime' }, knows: {} },
  },
  Definition: {
    Steps: [
      { Kind: 'AddNodes', Query: 'People', NodeIdColumn: 'id', Labels: ['Person'], LabelsColumn: 'role' },
      { Kind: 'AddNodes', Query: 'Firms', NodeIdColumn: 'id', Labels: ['Company'], LabelsColumn: 'labels' },
      { Kind: 'AddEdges', Query: 'Work', SourceColumn: 'who', TargetColumn: 'firm', Labels: ['works_at'] },
      {
        Kind: 'AddEdges',
        Query: 'Knows | project a, b, how',
        SourceColumn: 'a',
        TargetColumn: 'b',
        Labels: ['knows'],
        LabelsColumn: 'how',
      },
    ],
  },
};

async function query(text: string): Promise<readonly (readonly unknown[])[]> {
  const { context } = cluster;
  return (await readResult(await context.engine.execute(queryRequest(context, text)))).rows;
}

const employees = `graph("Simple") | graph-match (person)-[works]->(company)
  where company.name == "TechCorp" and labels(works) has "works_at"
  project name = person.name, age = person.age, since = works.since | order by name asc | project name, age`;

describe('graph() of a model without snapshots', () => {
  it('matches what its steps make of the tables', async () => {
    expect(await query(employees)).toEqual([
      ['Alice', 25n],
      ['Bob', 30n],
    ]);
  });

  it('counts nodes and edges, as two views of one graph', async () => {
    const text = `let nodes = view() { graph('Simple') | graph-match (node) project node | count };
      let edges = view() { graph('Simple') | graph-match (source)-[edge]->(target) project edge | count };
      union withsource=['Graph element'] nodes, edges`;
    // p9 is known from an edge alone.
    expect(await query(text)).toEqual([
      ['nodes', 6n],
      ['edges', 6n],
    ]);
  });

  it('gives nodes and edges their labels, static ones first', async () => {
    const nodes = 'graph("Simple") | graph-match (n) project id = n.id, l = labels(n) | order by id asc';
    expect(await query(nodes)).toEqual([
      ['c1', '["Company","Listed","Old"]'],
      ['c2', '["Company"]'],
      ['p1', '["Person","Manager"]'],
      ['p2', '["Person"]'],
      ['p3', '["Person","Engineer"]'],
      ['p9', '[]'],
    ]);
    const edges = `graph("Simple") | graph-match (a)-[e]->(b) where labels(e) has "colleague" project a.id, b.id, labels(e)`;
    expect(await query(edges)).toEqual([['p2', 'p3', '["knows","colleague"]']]);
    const path = `graph("Simple") | graph-match (a)-[e*2..2]->(b) where a.id == "p1" and all(e, labels() has "knows")
      project l = map(e, labels()), each = labels(e), b.id`;
    expect(await query(path)).toEqual([
      ['[["knows","friend"],["knows","colleague"]]', '[["knows","friend"],["knows","colleague"]]', 'p3'],
    ]);
  });

  it('shows properties alone of whole elements', async () => {
    const text = 'graph("Simple") | graph-match (a)-[e]->(b) where a.id == "p1" and b.id == "c1" project e, a';
    expect(await query(text)).toEqual([
      [
        '{"who":"p1","firm":"c1","since":"2020-01-01T00:00:00.0000000Z","a":"","b":"","how":""}',
        '{"id":"p1","name":"Alice","age":25,"role":"Manager","labels":null}',
      ],
    ]);
  });

  it('lets operators that follow read named elements and lists of edges', async () => {
    const properties = `graph("Simple") | graph-match (node) where labels(node) has "Person" project properties = node, labels = labels(node)
      | mv-apply properties on (mv-expand kind=array properties | where isnotempty(properties[1]) | summarize properties = make_set(properties[0]))
      | mv-expand label = labels to typeof(string) | summarize n = count() by label | order by label asc`;
    expect(await query(properties)).toEqual([
      ['Engineer', 1n],
      ['Manager', 1n],
      ['Person', 3n],
    ]);
    const named = `graph("Simple") | graph-match (a)-[e]->(b) where b.id == "c1" project start = a, way = e | extend n = start.name, w = way.who
      | order by tostring(n) asc | project n, w`;
    expect(await query(named)).toEqual([
      ['"Alice"', '"p1"'],
      ['"Bob"', '"p2"'],
    ]);
    const paths = `graph("Simple") | graph-match (a)-[path*1..3]->(b) where a.id == "p1" and labels(b) has_any ("Company", "X")
      project n = array_length(path), c = b.id | order by n asc, c asc`;
    expect(await query(paths)).toEqual([
      [1n, 'c1'],
      [2n, 'c1'],
      [3n, 'c2'],
    ]);
    await expect(query('graph("Simple") | graph-match (a)-[e]->(b) project array_length(a)')).rejects.toMatchObject({
      code: 'semantic',
    });
  });

  it('goes into the other graph operators', async () => {
    const tables =
      'graph("Simple") | graph-to-table nodes as N, edges as E; N | project id | order by id asc | take 2; E | count';
    await expect(query(tables)).rejects.toThrow(); // two results
    expect(
      await query('graph("Simple") | graph-to-table nodes | order by id asc | project id, name, age'),
    ).toContainEqual([...['p1', 'Alice', 25n]]);
    expect(await query('graph("Simple") | graph-to-table edges | count')).toEqual([[6n]]);
    const shortest = `graph("Simple") | graph-shortest-paths (a)-[e*1..5]->(b) where a.id == "p1" and b.id == "c2" project array_length(map(e, who))`;
    expect(await query(shortest)).toEqual([[3n]]);
    const degrees = `graph("Simple") | graph-match (n) project n.id, i = node_degree_in(n) | top 1 by i desc | project i`;
    expect(await query(degrees)).toEqual([[2n]]);
    expect(
      await query(
        'let G = graph("Simple"); G | graph-mark-components | graph-to-table nodes | summarize by ComponentId',
      ),
    ).toEqual([[0n]]);
    expect(await query(`database("db").graph("Simple") | graph-match (n) project n.id | count`)).toEqual([[6n]]);
  });

  it('takes the last of several values of a node, and puts its labels together', async () => {
    const model = {
      Schema: { Nodes: { A: {}, B: {} } },
      Definition: {
        Steps: [
          {
            Kind: 'AddNodes',
            Query: 'datatable(k:long, v:string, w:string)[1,"a","first"]',
            NodeIdColumn: 'k',
            Labels: ['A'],
          },
          {
            Kind: 'AddNodes',
            Query: 'datatable(k:long, v:string, w:string)[1,"b",""]',
            NodeIdColumn: 'k',
            Labels: ['B'],
          },
          { Kind: 'AddEdges', Query: 'print s = 1, t = 1', SourceColumn: 's', TargetColumn: 't' },
          { Kind: 'AddEdges', Query: 'print s = 1, t = 1', SourceColumn: 's', TargetColumn: 't' },
        ],
      },
    };
    await cluster.run(`.create-or-alter graph_model Twice @'${JSON.stringify(model)}'`);
    expect(await query('graph("Twice") | graph-match (n) project n.k, n.v, n.w, labels(n)')).toEqual([
      [1n, 'b', 'first', '["A","B"]'],
    ]);
    expect(await query('graph("Twice") | graph-match (n)-[e]->(n) project n.k | count')).toEqual([[2n]]);
  });
});

describe('snapshots', () => {
  it('keep the graph as it was, the newest counts', async () => {
    const [made] = await cluster.run('.make graph_snapshot Before from Simple');
    expect(made).toMatchObject({ Name: 'Before', ModelName: 'Simple', NodesCount: 6n, EdgesCount: 6n });
    await cluster.run('.ingest inline into table Work <| p3,c1,2023-01-01');
    expect(await query(employees)).toHaveLength(2);
    expect(await query(employees.replace('graph("Simple")', 'graph("Simple", true)'))).toHaveLength(3);
    const [started] = await cluster.run('.make async graph_snapshot After from Simple');
    await cluster.settle();
    expect(await cluster.run(`.show operations ${String(started?.['OperationId'])} | project State`)).toEqual([
      { State: 'Completed' },
    ]);
    expect(await query(employees)).toHaveLength(3);
    expect(await query(employees.replace('"Simple"', '"Simple", "Before"'))).toHaveLength(2);
    expect(await query(employees.replace('"Simple"', '"Simple", snapshot="Before"'))).toHaveLength(2);
    const labels = 'graph("Simple") | graph-match (n) where n.id == "c1" project labels(n), n.labels';
    expect(await query(labels)).toEqual([['["Company","Listed","Old"]', '["Listed","Old"]']]);
    expect(await cluster.run('.show graph_snapshots Simple | project Name, ModelName')).toEqual([
      { Name: 'After', ModelName: 'Simple' },
      { Name: 'Before', ModelName: 'Simple' },
    ]);
    expect(await cluster.run('.show graph_snapshots *')).toHaveLength(2);
    expect(await cluster.run('.show graph_snapshot Simple.Before details')).toMatchObject([
      { Name: 'Before', NodesCount: 6n, EdgesCount: 6n, RetentionPolicy: '{"SoftDeletePeriod":"365000.00:00:00"}' },
    ]);
    expect(await cluster.run('.show tables | where TableName in ("Before", "After")')).toEqual([]);
    expect(await cluster.run('.show graph_snapshots * statistics')).toHaveLength(2);
    const [statistics] = await cluster.run('.show graph_snapshot Simple.Before statistics');
    expect(statistics).toMatchObject({
      ModelName: 'Simple',
      Name: 'Before',
      NodesCount: 6n,
      EdgesCount: 6n,
      Duration: 0n,
    });
    const steps = ['N', 'N', 'E', 'E'].map((one, index) => ({
      ...{ Kind: one === 'N' ? 'AddNodes' : 'AddEdges', StepNumber: index, Status: 'Completed' },
    }));
    expect(JSON.parse(String(statistics?.['Details']))).toEqual({ Steps: steps, Seal: { Status: 'Completed' } });
    const sizes = await cluster.run('.show graph_snapshot Simple.Before data statistics');
    expect(sizes.map((row) => [row['EntityKind'], row['TotalElementCount']])).toEqual([
      ['Nodes', 6n],
      ['Edges', 6n],
    ]);
    expect(sizes.map((row) => row['TotalExtentSize'])).toEqual([statistics?.['NodesSize'], statistics?.['EdgesSize']]);
    for (const row of sizes) expect(row['TotalExtentSize']).toBeGreaterThan(0n);
    await expect(cluster.run('.make graph_snapshot After from Simple')).rejects.toMatchObject({ code: 'EntityExists' });
    expect(await cluster.run('.show graph_snapshots Simple failures')).toMatchObject([
      {
        Name: 'After',
        ModelName: 'Simple',
        FailureKind: 'Permanent',
        FailureReason: expect.stringContaining('After') as string,
      },
    ]);
    expect(await cluster.run('.drop graph_snapshot Simple.After | project Name')).toEqual([{ Name: 'After' }]);
    expect(await query(employees)).toHaveLength(2);
    await cluster.run('.drop graph_snapshots Simple');
    expect(await query(employees)).toHaveLength(3);
  });

  it('are gone with their model, blobs and all', async () => {
    const blobs = async (): Promise<number> => {
      let count = 0;
      for await (const { length } of cluster.data.blobs.list('')) count += length > 0 ? 1 : 0;
      return count;
    };
    const text = JSON.stringify({
      Definition: {
        Steps: [
          { Kind: 'AddNodes', Query: 'People', NodeIdColumn: 'id' },
          { Kind: 'AddEdges', Query: 'Knows', SourceColumn: 'a', TargetColumn: 'b' },
        ],
      },
    });
    await cluster.run(`.create-or-alter graph_model Gone '${text}'`);
    const before = await blobs();
    await cluster.run('.make graph_snapshot S from Gone');
    expect(await blobs()).toBe(before + 2);
    await cluster.run('.drop graph_model Gone');
    expect(await blobs()).toBe(before);
  });
});

describe('models', () => {
  it('are shown by version', async () => {
    const model = (label: string): string =>
      JSON.stringify({
        Schema: { Nodes: { [label]: {} } },
        Definition: { Steps: [{ Kind: 'AddNodes', Query: 'People', NodeIdColumn: 'id', Labels: [label] }] },
      });
    const [first] = await cluster.run(`.create-or-alter graph_model V '${model('A')}'`);
    expect(first).toMatchObject({ Name: 'V', SnapshotCount: 0n, Model: model('A') });
    await cluster.run(`.create-or-alter graph_model V '${model('B')}'`);
    expect(await cluster.run('.show graph_model V details | project Model')).toEqual([{ Model: model('B') }]);
    expect(await cluster.run('.show graph_model V with (id = "*")')).toHaveLength(2);
    expect(await cluster.run(`.show graph_model V with (id = "${String(first?.['Id'])}")`)).toEqual([
      { Name: 'V', CreationTime: first?.['CreationTime'], Id: first?.['Id'] },
    ]);
    expect(await cluster.run('.show graph_models | project Name')).toEqual([
      ...['Simple', 'Twice', 'V'].map((Name) => ({ Name })),
    ]);
    expect(await cluster.run('.show graph_models with (showAll = true) | count')).toEqual([{ Count: 4n }]);
    expect(await query('graph("V") | graph-match (n) project labels(n) | take 1')).toEqual([['["B"]']]);
  });

  const steps = (...list: readonly unknown[]): string => JSON.stringify({ Definition: { Steps: list } });
  const nodes = { Kind: 'AddNodes', Query: 'People', NodeIdColumn: 'id' };
  it.each([
    ['no JSON', '{', /not JSON/],
    ['no definition', '{}', /Definition/],
    ['no steps', steps(), /1 to 256 steps/],
    ['another kind', steps({ ...nodes, Kind: 'AddThings' }), /Kind is neither/],
    ['an unknown field', steps({ ...nodes, Extra: 1 }), /unknown field 'Extra'/],
    ['a label that the schema lacks', steps({ ...nodes, Labels: ['X'] }), /'X', which the Schema does not define/],
    ['no such table', steps({ ...nodes, Query: 'Nowhere' }), /AddNodes 1.*Nowhere/],
    ['no such column', steps({ ...nodes, NodeIdColumn: 'nothing' }), /no column 'nothing'/],
    ['a command', steps({ ...nodes, Query: '.show tables' }), /not a query/],
    ['several results', steps({ ...nodes, Query: 'People; People' }), /exactly one result/],
    [
      'one property of two types',
      steps(nodes, { ...nodes, Query: 'People | extend name = 1' }),
      /'name'.*not supported/,
    ],
    ['itself', steps({ ...nodes, Query: 'graph("Bad") | graph-to-table nodes' }), /./],
    [
      'a schema with an unknown type',
      JSON.stringify({ Schema: { Nodes: { A: { x: 'text' } } }, Definition: {} }),
      /Schema.Nodes.A.x/,
    ],
  ])('are refused with %s', async (_what, text, message) => {
    await expect(cluster.run(`.create-or-alter graph_model Bad '${text}'`)).rejects.toThrow(message);
    await expect(query('graph("Bad") | graph-match (n) project n')).rejects.toThrow(/Bad/);
  });

  it.each([
    ['graph("Nothing") | graph-match (n) project n', /Nothing/],
    ['graph("Simple", "Nothing") | graph-match (n) project n', /Nothing/],
    ['graph("Simple") | count', /./],
    ['graph("Simple") | graph-where-nodes true | graph-to-table nodes', /graph-where-nodes/],
    ['.make graph_snapshot S from Nothing', /Nothing/],
    ['.show graph_snapshot Simple.Nothing', /Nothing/],
    ['.drop graph_model Nothing', /Nothing/],
    ['.show graph_snapshot Simple.Nothing statistics', /Nothing/],
  ])('%s is refused', async (text, message) => {
    await expect(text.startsWith('.') ? cluster.run(text) : query(text)).rejects.toThrow(message);
  });
});
