import { closeSync, cpSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

const directory = temporaryDirectory();
/** Directories as they were when a server last stopped, the older first, with the anchor that belongs to the newer. */
const [yesterday, today] = [join(directory.path, 'yesterday'), join(directory.path, 'today')];
const anchor = join(directory.path, 'anchor');

/** Starts a server on the directory and stops it again. */
const serve = (data: string, ...args: readonly string[]): Promise<CommandResult> =>
  kustody(['run', '--data', data, ...args, '--', 'true']);

const accept = (data: string, ...args: readonly string[]): Promise<CommandResult> =>
  kustody(['state', 'accept', '--data', data, ...args]);

beforeAll(async () => {
  expect(await serve(yesterday, '--state-anchor', anchor)).toMatchObject({ code: 0 });
  cpSync(yesterday, today, { recursive: true });
  expect(await serve(today, '--state-anchor', anchor, '--second-subscription')).toMatchObject({ code: 0 });
});
afterAll(() => directory[Symbol.dispose]());

/** Copies, so that each test begins with the same. */
function copied(): { readonly old: string; readonly recent: string; readonly anchor: string } & Disposable {
  const place = temporaryDirectory();
  const copies = {
    old: join(place.path, 'old'),
    recent: join(place.path, 'recent'),
    anchor: join(place.path, 'anchor'),
  };
  cpSync(yesterday, copies.old, { recursive: true });
  cpSync(today, copies.recent, { recursive: true });
  cpSync(anchor, copies.anchor);
  return { ...copies, [Symbol.dispose]: () => place[Symbol.dispose]() };
}

const refusal = /^kustody: The state is older than its anchor .*run 'kustody state accept' with the same anchor/;

describe('kustody state accept', () => {
  it('takes a state that its anchor refuses, and refuses the one that was newer from then on', async () => {
    using copy = copied();
    const option = ['--state-anchor', copy.anchor];
    expect(await serve(copy.recent, ...option)).toMatchObject({ code: 0 });
    const refused = await serve(copy.old, ...option);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(refusal) as string });
    const log = readFileSync(join(copy.old, 'kustody.log'), 'utf8');
    expect(log).toMatch(/AnchorError.*"state-refused"/);
    const accepted = await accept(copy.old, ...option, '--yes');
    expect(accepted).toMatchObject({ code: 0, stdout: `The state in ${copy.old} is accepted.\n`, stderr: '' });
    expect(await serve(copy.old, ...option)).toMatchObject({ code: 0 });
    expect(await serve(copy.recent, ...option)).toMatchObject({ code: 1, stdout: '' });
  });

  it('asks, and changes nothing when nobody is there to answer', async () => {
    using copy = copied();
    const option = ['--state-anchor', copy.anchor];
    const before = readFileSync(copy.anchor);
    const { code, stderr } = await accept(copy.old, ...option);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('Give --yes') as string });
    expect(readFileSync(copy.anchor)).toEqual(before);
    expect(await serve(copy.old, ...option)).toMatchObject({ code: 1 });
  });

  it('leaves alone what is no data directory, has another root key, or is served', async () => {
    using copy = copied();
    const option = ['--state-anchor', copy.anchor, '--yes'];
    const before = readFileSync(copy.anchor);
    const nowhere = join(copy.old, '..', 'nowhere');
    expect(await accept(nowhere, ...option)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('is not a data directory of Kustody') as string },
    });
    expect(existsSync(nowhere)).toBe(false);
    const variable = { KUSTODY_ROOT_KEY: 'ab'.repeat(32) };
    const other = await kustody(['state', 'accept', '--data', copy.old, ...option], variable);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/root key/i) as string });
    renameSync(join(copy.old, 'root.key'), join(copy.old, '..', 'root.key'));
    expect(await accept(copy.old, ...option)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('There is no root key') as string },
    });
    expect(readdirSync(copy.old)).not.toContain('root.key');
    const up = startKustody(['up', '--data', copy.recent]);
    try {
      await up.printed('Stop with');
      const { code, stderr } = await accept(copy.recent, ...option);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('kustody run') as string });
    } finally {
      up.process.kill('SIGTERM');
      await up.result;
    }
    expect(readFileSync(copy.anchor)).toEqual(before);
  });

  it('needs no anchor where the directory has none', async () => {
    using copy = copied();
    rmSync(copy.anchor);
    expect(await accept(copy.old, '--yes')).toMatchObject({ code: 0 });
    expect(await serve(copy.old)).toMatchObject({ code: 0 });
  });
});

describe('--state-anchor as the number of a descriptor', () => {
  /** With the file as descriptor 3. */
  async function holding(path: string, flags: string, args: readonly string[]): Promise<CommandResult> {
    const descriptor = openSync(path, flags);
    try {
      return await startKustody(args, {}, [descriptor]).result;
    } finally {
      closeSync(descriptor);
    }
  }
  const option = ['--state-anchor', '3'];
  const run = (data: string): readonly string[] => ['run', '--data', data, ...option, '--', 'true'];

  it('is the same anchor as the file', async () => {
    using copy = copied();
    const before = readFileSync(copy.anchor);
    expect(await holding(copy.anchor, 'r+', run(copy.recent))).toMatchObject({ code: 0 });
    expect(readFileSync(copy.anchor)).not.toEqual(before);
    expect(await holding(copy.anchor, 'r+', run(copy.old))).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(refusal) as string },
    });
    const accepted = await holding(copy.anchor, 'r+', ['state', 'accept', '--data', copy.old, ...option, '--yes']);
    expect(accepted).toMatchObject({ code: 0 });
    expect(await holding(copy.anchor, 'r+', run(copy.old))).toMatchObject({ code: 0 });
    expect(await serve(copy.recent, '--state-anchor', copy.anchor)).toMatchObject({ code: 1 });
  });

  it('is not what the program under run gets', async () => {
    using copy = copied();
    const args = ['run', '--data', copy.recent, ...option, '--', 'sh', '-c', 'echo overwritten >&3'];
    const { stderr } = await holding(copy.anchor, 'r+', args);
    expect(stderr).toMatch(/bad file descriptor/i); // of the shell
    expect(await serve(copy.recent, '--state-anchor', copy.anchor)).toMatchObject({ code: 0 });
  });

  it.each([
    ['one that can only be read', 'r', '3', 'cannot be written'],
    ['one that can only be written', 'a', '3', 'cannot be read'],
    ['a closed one', 'r+', '17', 'cannot be opened'],
    ['standard output', 'r+', '1', 'cannot be opened'],
  ])('is refused by name: %s', async (_what, flags, number, words) => {
    using copy = copied();
    const before = readFileSync(copy.anchor);
    const args = ['run', '--data', copy.recent, '--state-anchor', number, '--', 'true'];
    const { code, stdout, stderr } = await holding(copy.anchor, flags, args);
    expect({ code, stdout, stderr }).toMatchObject({
      ...{ code: 1, stdout: '', stderr: expect.stringContaining(words) as string },
    });
    expect(readFileSync(copy.anchor)).toEqual(before);
  });
});
