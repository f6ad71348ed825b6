import type { ForkOptions } from 'node:child_process';
import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { builtSnapshot } from '../testing/built-snapshot.ts';
import type { ParserProcessOptions } from './parser-process.ts';
import { ParserProcess } from './parser-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parser-process-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @returns what it was started with, once it takes requests or is gone */
function started(options: Pick<ParserProcessOptions, 'entry' | 'snapshots'>, forked: typeof fork) {
  const starts: (readonly string[])[] = [];
  return new Promise<{ readonly starts: typeof starts; readonly outcome: string }>((resolve) => {
    const parser: ParserProcess = new ParserProcess(
      {
        ...{ ...options, functions: {}, after: () => () => undefined },
        fork: (entry, args, how) => {
          starts.push(how.execArgv ?? []);
          return forked(entry, [...args], how);
        },
      },
      {
        ready: () => {
          parser.end();
          resolve({ starts, outcome: 'ready' });
        },
        replied: () => undefined,
        gone: (error, wasReady) => resolve({ starts, outcome: `${error.message} ${wasReady}` }),
      },
    );
  });
}

const notStarted = {
  'that the system has no room for': ((entry: string, args: string[], how: ForkOptions) =>
    fork(entry, args, { ...how, execPath: join(folder, 'nowhere') })) as typeof fork,
  'that the system has no memory for': (() => {
    throw Object.assign(new Error('spawn ENOMEM'), { errno: -12, code: 'ENOMEM', syscall: 'spawn' });
  }) as typeof fork,
};

it.each(Object.entries(notStarted))('a process %s is told of, and leaves its snapshot as it is', async (_, refused) => {
  const [entry, snapshots] = [join(folder, 'kql-process.cjs'), join(folder, 'cache')];
  writeFileSync(join(folder, 'kql-snapshot.cjs'), 'globalThis.one = 1;');
  writeFileSync(entry, 'process.send({ k: "ready" }); process.on("message", () => undefined);');
  const snapshot = await builtSnapshot(entry, snapshots);
  expect(await started({ entry, snapshots }, refused)).toEqual({
    starts: [expect.arrayContaining(['--snapshot-blob', snapshot])],
    outcome: 'The parser process does not start. false',
  });
  expect(existsSync(snapshot)).toBe(true);
  const { starts } = await started({ entry, snapshots }, fork);
  expect(starts[0]).toEqual(expect.arrayContaining(['--snapshot-blob', snapshot]));
});
