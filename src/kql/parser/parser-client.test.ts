import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSnapshotScript, parserEntry, parserSnapshots } from '../testing/parser-entry.ts';
import { builtSnapshot } from '../testing/built-snapshot.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { KqlError } from '../plan/kql-error.ts';
import { partsNamed } from '../plan/command.ts';
import { createKqlParser } from './parser-client.ts';
import { ParserProcess } from './parser-process.ts';
import { parserSnapshot } from './parser-snapshot.ts';
import { functionFacts } from '../language.ts';

const catalog: KqlCatalog = {
  version: '1',
  cluster: 'c',
  databases: [
    {
      name: 'db',
      tables: [{ name: 'T', columns: [{ name: 'a', type: 'long' }] }],
      functions: [{ name: 'F', parameters: '(n:long=2)', body: '{ T | where a > n }' }],
    },
  ],
};
const limits = { textMax: 10_000, parseMsMax: 60_000 };
const never = () => () => undefined;
/** Has twice as many columns with each name, and takes for ever. */
const doubling = (() => {
  const names = Array.from({ length: 40 }, (_one, n) => `let a${n + 1} = a${n} | join kind=inner a${n} on a;`);
  return `let a0 = T; ${names.join(' ')} a40`;
})();

let entry: string;
const scripts = mkdtempSync(join(tmpdir(), 'kustody-parser-'));
/** @returns where a program of its own lies, as another parser's */
function scriptOf(text: string): string {
  const path = join(scripts, `${randomUUID()}.cjs`);
  writeFileSync(path, text);
  return path;
}
const parsers: ReturnType<typeof createKqlParser>[] = [];
const open = (options: Partial<Parameters<typeof createKqlParser>[0]> = {}): ReturnType<typeof createKqlParser> => {
  const parser = createKqlParser({
    ...{ entry, snapshots: parserSnapshots, limits, functions: functionFacts, after: never },
    ...options,
  });
  parsers.push(parser);
  return parser;
};
beforeAll(() => {
  entry = parserEntry;
});
afterAll(() => {
  for (const parser of parsers) parser.stop();
  rmSync(scripts, { recursive: true });
});

describe('the parser process', () => {
  it('compiles against the catalog it is given', async () => {
    const program = await open().compile('F(3) | project a', 'db', catalog);
    expect(program.results[0]?.plan.cols).toEqual([{ name: 'a', type: 'long' }]);
  });

  it('that never says that it takes requests is ended, and whoever waits is told', async () => {
    const parser = open({
      entry: scriptOf('process.on("message", () => undefined);'),
      after: (ms, act) => {
        if (ms === 90_000) void setImmediate().then(act);
        return () => undefined;
      },
    });
    await expect(parser.compile('print 1', 'db', catalog)).rejects.toMatchObject({
      ...{ code: 'internal', message: 'The parser process does not start.' },
    });
  });

  it('that can be told nothing any more is ended, and ends nothing else', async () => {
    const events = new EventEmitter();
    let told: KqlError | undefined;
    const deaf = scriptOf('process.send({ k: "ready" }, () => process.disconnect()); setInterval(() => {}, 1e6);');
    const started = new ParserProcess(
      { entry: deaf, functions: functionFacts, after: never },
      {
        ready: () => events.emit('ready'),
        replied: () => undefined,
        gone: (error) => (told = error),
      },
    );
    await once(events, 'ready');
    while (told === undefined) {
      started.send({ id: 1, k: 'query', text: 'print 1', database: 'db', catalogVersion: '1' }, catalog);
      await setImmediate();
    }
    expect(told).toMatchObject({ code: 'internal', message: 'The parser process ended.' });
  });

  it('sees a new version of the catalog', async () => {
    const parser = open();
    await expect(parser.compile('U', 'db', catalog)).rejects.toMatchObject({ code: 'semantic', position: 0 });
    const [database] = catalog.databases;
    const tables = [{ name: 'U', columns: [{ name: 'b', type: 'string' }] }] as const;
    const next: KqlCatalog = {
      ...catalog,
      version: '2',
      databases: [{ name: 'db', functions: database?.functions ?? [], tables }],
    };
    expect((await parser.compile('U', 'db', next)).results[0]?.plan.cols).toEqual([{ name: 'b', type: 'string' }]);
  });

  it('refuses a text that is too long without sending it', async () => {
    await expect(open().compile(`print "${'x'.repeat(20_000)}"`, 'db', catalog)).rejects.toMatchObject({
      code: 'limits',
    });
  });

  it('is replaced when a text takes too long, and the next one is answered', async () => {
    let newest = { ms: 0, act: (): void => undefined };
    const parser = open({
      after: (ms, act) => {
        newest = { ms, act };
        return () => undefined;
      },
    });
    await parser.compile('print 1', 'db', catalog);
    const stuck = expect(parser.compile(doubling, 'db', catalog)).rejects.toMatchObject({
      code: 'limits',
      message: 'The query takes too long to parse.',
    });
    let limit = newest;
    const next = parser.compile('print 2', 'db', catalog);
    // Twelve times the limit have passed, and the process has not used it. What it has used is looked at again after what is left.
    for (let waited = 0; waited < 12 * 60_000; limit = newest) {
      waited += limit.ms;
      limit.act();
    }
    await stuck;
    expect((await next).results).toHaveLength(1);
  });

  it('answers whoever stops a query at once, and is replaced when it goes on with the text', async () => {
    const timers: { readonly ms: number; readonly act: () => void }[] = [];
    const parser = open({
      after: (ms, act) => {
        const timer = { ms, act };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    });
    await parser.compile('print 1', 'db', catalog);
    const [first, second] = [new AbortController(), new AbortController()];
    const stuck = parser.compile(doubling, 'db', catalog, { signal: first.signal });
    const waiting = parser.compile('print 2', 'db', catalog, { signal: second.signal });
    const next = parser.compile('print 3', 'db', catalog);
    second.abort(new Error('not even begun'));
    await expect(waiting).rejects.toThrow('not even begun');
    first.abort(new Error('stopped by somebody'));
    await expect(stuck).rejects.toThrow('stopped by somebody');
    const [limit, patience, kill, ...others] = timers;
    expect([limit?.ms, kill?.ms, others]).toEqual([60_000, 500, []]);
    kill?.act();
    expect((await next).results).toHaveLength(1);
    expect(timers).toEqual([patience]);
  });

  it('answers others while a text goes on that takes long', async () => {
    const parser = open({
      after: (ms, act) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
    });
    const stop = new AbortController();
    let isOver = false;
    const stuck = parser.compile(doubling, 'db', catalog, { caller: 'one', signal: stop.signal }).finally(() => {
      isOver = true;
    });
    const refused = expect(stuck).rejects.toThrow('enough');
    expect((await parser.compile('print 2', 'db', catalog, { caller: 'other' })).results).toHaveLength(1);
    expect(isOver).toBe(false);
    stop.abort(new Error('enough'));
    await refused;
  });

  it('is replaced when a text needs more memory than it may use', async () => {
    const flags = ['--max-old-space-size=72']; // of which a snapshot takes another share
    const parser = open({ snapshots: undefined, limits: { textMax: 10_000_000, parseMsMax: 60_000, flags } });
    const columns = Array.from({ length: 20_000 }, (_one, n) => `c${n} = ${n} + 1`);
    await expect(parser.compile(`print ${columns.join(', ')}`, 'db', catalog)).rejects.toMatchObject({
      code: 'memory',
    });
    expect((await parser.compile('print 2', 'db', catalog)).results).toHaveLength(1);
  });

  it('is not started again and again when it does not start', async () => {
    const broken = join(dirname(entry), `broken-${process.pid}.mjs`);
    writeFileSync(broken, 'process.exit(7);');
    const parser = open({ entry: broken, snapshots: undefined });
    const told = { code: 'internal', message: 'The parser process does not start.' };
    await expect(parser.ready()).rejects.toMatchObject(told);
    await expect(parser.compile('print 1', 'db', catalog)).rejects.toMatchObject(told);
    rmSync(broken);
  });

  it('starts from the build as it is, without a snapshot', async () => {
    const built = join(import.meta.dirname, '..', '..', '..', 'dist', 'kql-process.js');
    const program = await open({ entry: built, snapshots: undefined }).compile('print a = 1', 'db', catalog);
    expect(program.results[0]?.plan.cols).toEqual([{ name: 'a', type: 'long' }]);
  });

  it('parses a management command with its parts, its query and its pipe', async () => {
    const parser = open();
    const command = await parser.parseCommand('.set-or-append async T <| T | where a > 1', 'db', catalog);
    expect(partsNamed(command.parts, 'TableName').map((part) => part.value)).toEqual(['T']);
    expect(command.queryText).toBe('T | where a > 1');
    const shown = await parser.parseCommand('.show tables | project TableName', 'db', catalog);
    expect([shown.kind, shown.pipe?.results[0]?.plan.cols.map((column) => column.name)]).toEqual([
      'ShowTables',
      ['TableName'],
    ]);
  });
});

describe('the start-up snapshot', () => {
  it('answers like a plain start; one that is broken is left aside', async () => {
    const folder = mkdtempSync(join(entry, '..', 'snapshot-'));
    const snapshots = join(folder, 'cache');
    try {
      const own = join(folder, 'kql-process.mjs');
      copyFileSync(entry, own);
      await buildSnapshotScript(folder);
      const made = await builtSnapshot(parserEntry, parserSnapshots); // of the same texts, so that it is known here by the same name
      const blob = join(snapshots, basename(made));
      mkdirSync(snapshots, { mode: 0o700 });
      copyFileSync(made, blob);
      expect(parserSnapshot(own, snapshots)).toBe(blob);
      const parser = open({ entry: own, snapshots });
      expect((await parser.compile('F() | count', 'db', catalog)).results[0]?.plan.op).toBe('count');
      expect(existsSync(blob), 'it was started from').toBe(true);
      // What is corrected in the official parser is corrected here, too.
      const unnamed = await parser.compile(
        'union (print x = 1 | project x + 1), (print x = 1 | project x + 2)',
        'db',
        catalog,
      );
      expect(unnamed.results[0]?.plan.cols.map((column) => column.name)).toEqual(['Column1']);
      const command = await parser.parseCommand('.create table where (print: long)', 'db', catalog);
      expect(partsNamed(command.parts, 'TableName').map((part) => part.value)).toEqual(['where']);
      writeFileSync(blob, 'nonsense');
      const next = open({ entry: own, snapshots });
      expect((await next.compile('F() | count', 'db', catalog)).results[0]?.plan.op).toBe('count');
      expect(existsSync(blob)).toBe(false); // built anew at the next start
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
