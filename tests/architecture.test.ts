import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entraOperations } from '../src/identity/entra/operations.ts';
import { graphOperations } from '../src/identity/graph/operations.ts';
import { functionRows } from '../src/kql/functions/table.ts';
import { vaultOperations } from '../src/vault/plane/vault-operations.ts';
import { allArmOperations } from './support/arm-operations.ts';
import { circlesOf } from './support/circles.ts';

const root = resolve(import.meta.dirname, '..');

/** Who may import whom. Folders of one level do not see each other; `providers/x` never sees `providers/y`. */
const ports = ['base', 'clock', 'storage', 'state'];
const core = [...ports, 'audit', 'encryption', 'kql', 'database', 'authz', 'http'];
const services = [...core, 'identity', 'arm', 'vault', 'templates'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  clock: ['base'],
  storage: ['base', 'clock'],
  state: ['base', 'clock'],
  http: ['base', 'clock'],
  // What happened, for good: whoever does something tells it.
  audit: ports,
  encryption: ports,
  // A language, for whoever wants it: it knows nothing of clusters, keys and files.
  kql: ['base', 'clock'],
  database: [...ports, 'authz', 'kql'],
  authz: ports,
  // A language, too: of what runs it knows only what it is told.
  templates: ['base'],
  identity: core,
  arm: core,
  vault: core,
  providers: services,
  cluster: services,
  // Sessions of browsers, and what they get: planes are reached by HTTPS, as by anybody.
  portal: ['base', 'clock', 'http'],
  server: [...services, 'providers', 'cluster', 'portal'],
  // A program like any user's: it must not know that it may be speaking to a Kustody.
  cmk: ['base'],
  cli: [...services, 'providers', 'cluster', 'server', 'cmk'],
  testing: [...services, 'providers', 'cluster', 'server', 'cli'],
};

/** The same inside a folder whose parts stand one on the other; `.` are the files beside the parts. */
const mayImportInside: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'src/database': {
    catalog: [],
    extents: ['catalog'],
    ingest: ['catalog', 'extents'],
    queued: ['catalog', 'extents', 'ingest'],
    views: ['catalog', 'extents', 'ingest'],
    exports: ['catalog', 'extents', 'ingest'],
    // What is put together of these: the port of a whole cluster, and what opens it.
    '.': ['catalog', 'extents', 'ingest', 'queued', 'views', 'exports'],
    commands: ['catalog', 'extents', 'ingest', 'queued', 'views', 'exports', '.'],
  },
};
/** No file here leads back to itself, not even by a type. */
const withoutCircles = ['src/database/', 'src/storage/'];

/** What a module has computed before, or what a thread is in the middle of: not what others have told it. */
const memories: Readonly<Record<string, string>> = {
  'src/kql/algorithms/regex/class.ts: known': 'names of Unicode classes, by whether JavaScript has them',
  'src/kql/functions/datetime-text.ts: formats': 'time zones, by name',
  'src/kql/parser/process/language/language.ts: kindNames': 'names of syntax kinds',
  'src/kql/parser/process/serve.ts: catalogs': 'catalogs by version',
  'src/kql/threads/engine-thread.ts: streams': 'results that are being read',
  'src/kql/values/real-digits.ts: powers': 'powers of ten',
};

/** Where names of functions stand beside their rows, and why. */
const functionLists: Readonly<Record<string, string>> = {
  'src/kql/aggregates/sketch.ts': 'aggregates that are called like functions',
  'src/kql/plugins/geo-lookups.ts': 'what a lookup measures with',
  'src/kql/scan/state-expression.ts': 'the core that a scan computes by itself',
};

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
  /** Of our own files, by a statement; `values` alone is there when the program runs. */
  readonly statements: { readonly values: ReadonlySet<string>; readonly all: ReadonlySet<string> };
}

/** Which part of the program runs where, in a cluster: the main process, the cluster's process, and what both say to one another. */
const insideCluster: Readonly<Record<string, readonly string[]>> = {
  messages: [],
  'data-plane': ['messages'],
  process: ['data-plane', 'messages'],
  supervisor: ['process', 'data-plane', 'messages'],
  'reading-node': ['supervisor', 'messages'],
};

const isTest = (path: string): boolean => /\.(test|conformance|fixture)\.ts$|^src\/kql\/testing\//.test(path);
const files = sourceFiles(join(root, 'src'));
const product = files.filter((file) => !isTest(file.path));

describe('architecture', () => {
  it('has arrows that point down only', () => {
    const wrong = product.flatMap((file) => {
      const own = partOf(file.path);
      return file.imports
        .filter((target) => target.startsWith('src/') && !allowed(own, partOf(target)))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('has arrows in a cluster that point from those who compose to what is said', () => {
    const partIn = (path: string): string | undefined => /^src\/cluster\/([^/]+)\//.exec(path)?.[1];
    const wrong = product.flatMap(({ path, statements }) => {
      const own = partIn(path);
      return [...statements.values]
        .map((target) => ({ target, part: partIn(target) }))
        .filter(({ part }) => own !== undefined && part !== undefined && part !== own)
        .filter(({ part = '' }) => insideCluster[own ?? '']?.includes(part) !== true)
        .map(({ target }) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
    const loose = product.filter(
      ({ path }) => path.startsWith('src/cluster/') && !Object.hasOwn(insideCluster, partIn(path) ?? ''),
    );
    expect(loose.map(({ path }) => path)).toEqual([]);
  });

  it('has no circle of files', () => {
    const circles = circlesOf(new Map(product.map(({ path, statements }) => [path, statements.values])));
    expect(circles).toEqual([]);
  });

  it('loads nothing of the server to read a command line', () => {
    const byPath = new Map(product.map((file) => [file.path, file]));
    const loaded = new Set(['src/cli/program/main.ts']);
    for (const path of loaded) for (const next of byPath.get(path)?.statements.values ?? []) loaded.add(next);
    const heavy = [...loaded].filter(
      (path) => path === 'src/server/start-server.ts' || byPath.get(path)?.imports.includes('fastify') === true,
    );
    expect(heavy).toEqual([]);
  });

  it('gives the pages of the portal rows alone: what they take of it loads no package and nothing of Node', () => {
    const pages = readdirSync(join(root, 'portal/src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.tsx?$/.test(name),
    );
    const byPath = new Map(product.map((file) => [file.path, file]));
    const takenBy = (kind: keyof SourceFile['statements']): string[] => {
      const taken = new Set(
        pages.flatMap((name) => {
          const absolute = join(root, 'portal/src', name);
          const own = statementsOf(absolute, readFileSync(absolute, 'utf8'))[kind];
          return [...own].filter((path) => path.startsWith('src/'));
        }),
      );
      for (const path of taken) for (const next of byPath.get(path)?.statements[kind] ?? []) taken.add(next);
      expect(taken.size).toBeGreaterThan(2);
      return [...taken];
    };
    const textOf = (path: string): string => withoutComments(byPath.get(path)?.text ?? "import x from 'x'");
    const loading = takenBy('values').filter((path) => /^import (?!type )[^;]*?from '[^.]/m.test(textOf(path)));
    expect(loading).toEqual([]);
    // Their types are checked where nothing but the portal's own packages is installed: Node's types are not.
    const needingNode = takenBy('all').filter((path) => /^import [^;]*?from '[^.]|\bBuffer[.>]/m.test(textOf(path)));
    expect(needingNode).toEqual([]);
  });

  it('has files that know one another by types inside one folder only', () => {
    const circles = circlesOf(new Map(product.map(({ path, statements }) => [path, statements.all])));
    const folders = circles
      .map((circle) => [...new Set(circle.map(dirname))].toSorted().join(' '))
      .filter((between) => between.includes(' '));
    expect(folders).toEqual([]);
  });

  it('has arrows that point down only, inside folders, too', () => {
    for (const [folder, rules] of Object.entries(mayImportInside)) {
      const below = (path: string): string | undefined =>
        path.startsWith(`${folder}/`) ? (/^([^/]+)\//.exec(path.slice(folder.length + 1))?.[1] ?? '.') : undefined;
      const wrong = product.flatMap((file) => {
        const own = below(file.path);
        if (own === undefined) return [];
        const allowedParts = [own, ...(rules[own] ?? [])];
        return file.imports
          .filter((target) => !allowedParts.includes(below(target) ?? own))
          .map((target) => `${file.path} imports ${target}`);
      });
      expect(wrong).toEqual([]);
    }
  });

  it('has no files that know one another, not even by types, where it is said so', () => {
    const inside = product.filter(({ path }) => withoutCircles.some((folder) => path.startsWith(folder)));
    expect(inside.length).toBeGreaterThan(100);
    expect(circlesOf(new Map(inside.map(({ path, statements }) => [path, statements.all])))).toEqual([]);
  });

  it('registers nothing: no module of the language fills a table of its own when others are loaded or call it', () => {
    const tables = /^(?:export )?(?:const|let) (\w+)[^=\n]*= (?:new (?:Map|Set)(?:<[^\n]*>)?\(\)|\[\]|\{\});/gm;
    const filled = (text: string): string[] =>
      [...text.matchAll(tables)]
        .map(([, name = '']) => name)
        .filter((name) => new RegExp(`\\b${name}(?:\\.(?:set|add|push|unshift)\\(|\\[[^\\]]+\\] = )`).test(text));
    const example = 'const rows = new Map<string, Row>();\nexport const add = (row) => rows.set(row.name, row);';
    expect(filled(example)).toEqual(['rows']);
    const wrong = product
      .filter(({ path }) => path.startsWith('src/kql/'))
      .flatMap(({ path, text }) => filled(text).map((name) => `${path}: ${name}`))
      .filter((found) => !Object.hasOwn(memories, found));
    expect(wrong).toEqual([]);
  });

  it('has one list of functions: their rows, and what the rows do not know', () => {
    const rows = Object.entries(functionRows).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
    // Words of other things, too, have no underscore.
    const names = new Set(rows.filter((name) => /^[a-z]\w*_\w+$/.test(name)));
    expect(names.size).toBeGreaterThan(150);
    const found = (text: string, pattern: RegExp): string[] => [
      ...new Set([...text.matchAll(pattern)].map(([, name = '']) => name).filter((name) => names.has(name))),
    ];
    const listed = (text: string): string[] => {
      const keys = found(text, /(?:^|[{,])\s*'?(\w+)'?: /gm);
      const items = found(text, /[[,]\s*'(\w+)'(?=\s*[,\]])/g);
      return items.length > 1 ? [...keys, ...items] : keys;
    };
    expect(listed("const types = {\n  datetime_diff: 'real',\n  parse_json: f };")).toEqual([
      'datetime_diff',
      'parse_json',
    ]);
    expect(listed("new Set(['pack_array', 'hash_md5'])")).toEqual(['pack_array', 'hash_md5']);
    const wrong = product
      .filter(({ path }) => path.startsWith('src/kql/') && !path.startsWith('src/kql/functions/'))
      .map(({ path, text }) => ({ path, own: listed(withoutComments(text)) }))
      .filter(({ path, own }) => own.length > 0 && !Object.hasOwn(functionLists, path))
      .map(({ path, own }) => `${path}: ${own.join(', ')}`);
    expect(wrong).toEqual([]);
    for (const path of Object.keys(functionLists))
      expect(listed(product.find((file) => file.path === path)?.text ?? '')).not.toEqual([]);
  });

  it('has no circle of folders, not even by types, nor of a folder and one inside it', () => {
    const folders = new Map<string, Set<string>>();
    for (const { path, statements } of product) {
      const known = folders.get(dirname(path)) ?? new Set<string>();
      folders.set(dirname(path), known);
      // A file in a folder belongs to that folder alone.
      for (const target of statements.all) if (dirname(target) !== dirname(path)) known.add(dirname(target));
    }
    expect(folders.get('src/kql/parser/process')).toContain('src/kql/parser/process/binder');
    expect(circlesOf(folders)).toEqual([]);
  });

  it('reaches DuckDB from one folder, and vaults from the cluster process', () => {
    const importing = (name: string) => product.filter((file) => file.imports.includes(name)).map((file) => file.path);
    expect(importing('@duckdb/node-api').filter((path) => !path.startsWith('src/kql/duckdb/'))).toEqual([]);
    expect(importing('libsql').filter((path) => !path.startsWith('src/state/sqlite/'))).toEqual([]);
    expect(
      importing('@azure/keyvault-keys').filter(
        (path) => !/^src\/(cluster\/process|cli\/article|cmk|testing)\//.test(path),
      ),
    ).toEqual([]);
  });

  it('tells kinds of blob stores apart in one file', () => {
    const kinds = /^src\/storage\/(filesystem|azure-blob|memory)\//;
    const importing = product
      .filter((file) => !kinds.test(file.path) && file.imports.some((target) => kinds.test(target)))
      .map((file) => file.path);
    expect(importing).toEqual(['src/storage/places/blob-place.ts']);
    // A directory that is called after extents is a place of one kind.
    const naming = product
      .filter((file) => /(extents?|blobs?)Directory/i.test(withoutComments(file.text)))
      .map((file) => file.path);
    expect(naming).toEqual(['src/server/data-directory-names.ts', 'src/server/emptied-state.ts']);
  });

  it('knows of Azure, in the toolkit for it, only what the official SDKs know', () => {
    const packages = product.filter((file) => file.path.startsWith('src/cmk/')).flatMap((file) => file.imports);
    const foreign = packages.filter((name) => !name.startsWith('src/') && !/^(@azure\/|node:crypto$)/.test(name));
    expect(foreign).toEqual([]);
    const hosts = product.filter(
      (file) =>
        /^src\/(cmk|cli\/cmk)\//.test(file.path) &&
        /\b(azure\.(com|net)|windows\.net|microsoftonline\.com)/.test(file.text),
    );
    expect(hosts.map((file) => file.path)).toEqual([]);
  });

  it('has files that can be read in one sitting', () => {
    const long = files.filter((file) => file.text.split('\n').length > 401).map((file) => file.path);
    expect(long).toEqual([]);
  });

  it('takes time and randomness as arguments', () => {
    const own = new Set(['src/clock/host-time.ts', 'src/base/random.ts', 'src/http/timer.ts']);
    const outermost = /^src\/(cli|server|testing)\//;
    const banned = /(?<![.\w])(Date\.now\(\)|new Date\(\)|Math\.random\(\)|setTimeout\(|setInterval\()/;
    const wrong = product
      .filter((file) => !own.has(file.path) && !outermost.test(file.path))
      .filter((file) => banned.test(withoutComments(file.text)))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it('reads the environment in the outermost layer only', () => {
    const wrong = product
      .filter((file) => !/^src\/(cli|testing)\//.test(file.path))
      .filter((file) => /process\.env/.test(withoutComments(file.text)))
      .map((file) => file.path);
    expect(wrong).toEqual([]);
  });

  it('has no `any`, no re-exporting index and no sleeping test', () => {
    const anywhere = files
      .filter((file) => /(:|<|\bas) any\b/.test(withoutComments(file.text)))
      .map((file) => file.path);
    const indexes = files.filter((file) => file.path.endsWith('/index.ts')).map((file) => file.path);
    const sleeping = [...files, ...sourceFiles(join(root, 'tests'))]
      .filter((file) => file.path.endsWith('.test.ts') && /\b(it|describe|test)\.(only|todo)\b/.test(file.text))
      .map((file) => file.path);
    expect({ anywhere, indexes, sleeping }).toEqual({ anywhere: [], indexes: [], sleeping: [] });
  });
});

describe('operation rows', () => {
  const tests = [...files, ...sourceFiles(join(root, 'tests'))].filter((file) => file.path.endsWith('.test.ts'));
  const wireText = tests
    .filter((file) => file.path.startsWith('tests/'))
    .map((file) => file.text)
    .join('\n');
  // Rows of what is not built are refused in one way; one wire test goes through all of them (as one does for Entra ID's rows).
  const built = [
    ...allArmOperations().filter((operation) => operation.notBuilt !== true),
    ...vaultOperations.filter((operation) => operation.handle !== undefined),
  ].map((operation) => operation.id);

  it('has ids that are not used twice in one service', () => {
    const ids = allArmOperations().map((operation) => `${operation.provider}/${operation.id}`);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('goes through every row of Entra ID and Graph, and every row that is not built', () => {
    expect(entraOperations.length).toBeGreaterThan(10);
    expect(graphOperations.length).toBeGreaterThan(50);
    for (const loop of [
      'it.each(entraOperations)',
      'it.each(graphOperations)',
      'it.each(notBuiltArmOperations)',
      'it.each(notBuiltVaultOperations)',
    ]) {
      expect(wireText).toContain(loop);
    }
  });

  it.each([...new Set(built)])('%s has a wire test', (id) => {
    expect(wireText).toMatch(new RegExp(`\\b${id}\\b`));
  });
});

function allowed(from: string, to: string): boolean {
  if (from === to) return true;
  const [fromTop = '', toTop = ''] = [from.split('/')[0], to.split('/')[0]];
  if (fromTop === toTop) return false;
  return mayImport[fromTop]?.includes(toTop) ?? false;
}

/** `providers/kusto` for providers, the folder below src/ for the rest. */
function partOf(path: string): string {
  const [, top = '', second = ''] = path.split('/');
  return top === 'providers' ? `providers/${second}` : top;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}

function sourceFiles(directory: string): SourceFile[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const absolute = join(directory, name);
      const text = readFileSync(absolute, 'utf8');
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target = '']) =>
        target.startsWith('.') ? relative(root, resolve(dirname(absolute), target)) : target,
      );
      return { path: relative(root, absolute), text, imports, statements: statementsOf(absolute, text) };
    });
}

function statementsOf(absolute: string, text: string): SourceFile['statements'] {
  const found = [...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^;']*?from\s+)?'(\.[^']+)'/gms)];
  const target = (name = ''): string => relative(root, resolve(dirname(absolute), name));
  return {
    values: new Set(found.filter(([, type]) => type === undefined).map(([, , name]) => target(name))),
    all: new Set(found.map(([, , name]) => target(name))),
  };
}
