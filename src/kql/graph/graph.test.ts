import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<readonly (readonly unknown[])[]> =>
  (await engine.run(query))[0]?.rows ?? [];
const sorted = (rows: readonly (readonly unknown[])[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/** The metro and the attack graph of the documentation of the graph operators, with the results printed there. */
const metro = `let connections = datatable(from_station:string, to_station:string, line:string) [
  'Central','North','red', 'North','Central','red', 'Central','South','red', 'South','Central','red',
  'South','South-West','red', 'South-West','South','red', 'South-West','West','red', 'West','South-West','red',
  'Central','East','blue', 'East','Central','blue', 'Central','West','blue', 'West','Central','blue'];
let g = connections | make-graph from_station --> to_station with_node_id=station;`;
const attacks = `let nodes = datatable(name:string, type:string, age:long) ['Alice','Person',23, 'Bob','Person',31,
  'Eve','Person',17, 'Trent','System',99];
let edges = datatable(source:string, destination:string, edge_type:string) ['Alice','Bob','communicatesWith',
  'Alice','Trent','trusts', 'Bob','Trent','hasPermission', 'Eve','Alice','attacks', 'Mallory','Alice','attacks',
  'Mallory','Bob','attacks'];
let g = edges | make-graph source --> destination with nodes on name;`;

const cases: Readonly<Record<string, readonly [string, readonly (readonly unknown[])[]]>> = {
  'graph-match follows a fixed pattern': [
    `${attacks} g | graph-match (m)-[a]->(c)-[p]->(t)
     where m.name == 'Mallory' and t.name == 'Trent' and a.edge_type == 'attacks' and p.edge_type == 'hasPermission'
     project Attacker = m.name, Compromised = c.name, System = t.name`,
    [['Mallory', 'Bob', 'Trent']],
  ],
  'graph-shortest-paths gives one path, or all': [
    `${metro} g | graph-shortest-paths output=all (start)-[c*1..5]->(destination)
     where start.station == 'South-West' and destination.station == 'North'
     project path = map(c, to_station), line = map(c, line)`,
    [
      ['["South","Central","North"]', '["red","red","red"]'],
      ['["West","Central","North"]', '["red","blue","red"]'],
    ],
  ],
  'cycles=none meets no node twice, inner_nodes leaves the ends out': [
    `${metro} g | graph-match cycles=none (start)-[c*1..5]->(destination)
     where start.station == 'South-West' and destination.station == 'East'
     project stopovers = strcat_array(map(inner_nodes(c), station), '->')`,
    [['West->Central'], ['South->Central']],
  ],
  'the default lets a match use an edge once': [
    `datatable(a:long, b:long)[1,2, 2,1] | make-graph a --> b with_node_id=n
     | graph-match (x)-[e*1..5]->(y) where x.n == 1 project y.n, array_length(map(e, a))`,
    [
      [2, 1],
      [1, 2],
    ],
  ],
  'all() holds for every edge': [
    `${metro} g | graph-match cycles=none (start)-[c*1..4]->(destination)
     where start.station == 'Central' and destination.station == 'West' and all(c, line == 'red')
     project path = map(c, to_station)`,
    [['["South","South-West","West"]']],
  ],
  'an edge without direction matches both ways': [
    `datatable(a:long, b:long)[1,2, 3,3] | make-graph a --> b with_node_id=n | graph-match (x)--(y) project x.n, y.n`,
    [
      [1, 2],
      [2, 1],
      [3, 3],
    ],
  ],
  'several chains share a node': [
    `${attacks} g | graph-match (x)-->(hub), (y)-->(hub) where x.name == 'Eve' and y.name == 'Mallory' project hub.name`,
    [['Alice']],
  ],
  'nodes that only edges name have an id and nothing else; their id is the hash': [
    `${attacks} g | graph-to-table nodes with_node_id=NodeId | where name in ('Alice', 'Mallory')`,
    [
      ['-3122868243544336885', 'Alice', 'Person', 23],
      ['3855580634910899594', 'Mallory', '', null],
    ],
  ],
  'components are weak or strong': [
    `datatable(a:string, b:string)['x','y', 'y','x', 'y','z'] | make-graph a --> b with_node_id=n
     | graph-mark-components kind=strong with_component_id=c | graph-to-table nodes`,
    [
      ['x', 0],
      ['y', 0],
      ['z', 1],
    ],
  ],
  'weak components of the documentation': [
    `datatable(child:string, parent:string)['Alice','Bob', 'Carol','Alice', 'Eve','Frank', 'Frank','Mallory']
     | make-graph child --> parent with_node_id=name | graph-mark-components with_component_id=family | graph-to-table nodes`,
    [
      ['Alice', 0],
      ['Bob', 0],
      ['Carol', 0],
      ['Eve', 1],
      ['Frank', 1],
      ['Mallory', 1],
    ],
  ],
  'partitions are separate graphs': [
    `datatable(a:string, b:string, t:string)['x','y','1', 'y','z','2'] | make-graph a --> b with_node_id=n
     partitioned-by t (graph-match (p)-[e*1..3]->(q) project p.n, q.n)`,
    [
      ['x', 'y'],
      ['y', 'z'],
    ],
  ],
  'shortest paths within partitions': [
    `datatable(a:string, b:string, t:string)['x','y','1', 'y','z','1', 'x','z','2'] | make-graph a --> b with_node_id=n
     partitioned-by t (graph-shortest-paths output=all (p)-[e*1..3]->(q) where p.n == 'x' and q.n == 'z'
       project hops = array_length(e) | extend far = hops > 1) | sort by hops asc`,
    [
      [1, false],
      [2, true],
    ],
  ],
  'degrees, ids and labels': [
    `${attacks} g | graph-match (n) where n.name == 'Alice'
     project i = node_degree_in(n), o = node_degree_out(n), id = node_id(n), l = labels(n)`,
    [[2, 2, 'Alice', '[]']],
  ],
  'node_id() and degrees of inner nodes': [
    `${attacks} g | graph-match (n)-[e*2..2]->(m) where n.name == 'Eve' and m.name == 'Trent'
     project ids = map(inner_nodes(e), node_id()), d = map(inner_nodes(e), node_degree_out()), a = any(e, edge_type == 'trusts')`,
    [['["Alice"]', '[2]', true]],
  ],
};

describe('graph operators', () => {
  it.each(Object.entries(cases))('%s', async (_name, [query, expected]) => {
    expect(sorted(await rowsOf(query))).toEqual(sorted(expected));
  });

  it('graph-to-table gives two tables that later statements can name', async () => {
    const tables = await engine.run(`${attacks} g | graph-to-table nodes as N, edges as E; E | count`);
    expect(tables.map((table) => [table.name, table.rows.length])).toEqual([
      ['N', 5],
      ['E', 6],
      ['PrimaryResult', 1],
    ]);
  });

  it.each([
    ['parts that are not connected', `${metro} g | graph-match (a)-->(b), (c)-->(d) project a.station`, 'semantic'],
    [
      'a path condition for shortest paths',
      `${metro} g | graph-shortest-paths (a)-[e*1..3]->(b) where any(e, line == 'red') project b.station`,
      'notSupported',
    ],
  ])('refuses %s', async (_name, query, code) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code });
  });
});
