import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundIn, LiveWriter, openLive } from '../../../tests/support/live-instance-writer.ts';
import { blobsIn, isServed, makeInstance, recordsIn } from '../../../tests/support/moved-instance.ts';
import { until } from '../../../tests/support/until.ts';
import { instant } from '../../clock/clock.ts';
import { parseRootKey } from '../../state/root-key.ts';
import { restore } from './backup.ts';
import { MoveError } from './move-error.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-live-backup-'));
const base = join(root, 'base');
beforeAll(() => makeInstance(base));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let number = 0;
async function places() {
  const path = join(root, `${(number += 1)}`);
  const [instance, copy, back] = ['instance', 'copy', 'back'].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [copy, back]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  cpSync(base, instance, { recursive: true });
  const rootKey = parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8'));
  const live = await openLive(instance, rootKey);
  const bringBack = () =>
    restore({
      ...{ from: { dataDirectory: copy }, to: { dataDirectory: back }, rootKey, acceptsRollback: true },
      now: () => instant(0),
    });
  return { instance, copy, back, rootKey, live, writer: new LiveWriter(instance, live.sealed), bringBack };
}

describe('a backup of an instance that is served', () => {
  it('is of one moment between two commits, and has every extent that was named then', async () => {
    const { copy, back, rootKey, live, writer, bringBack } = await places();
    for (let n = 0; n < 5; n += 1) await writer.write();
    const end = writer.start();
    const before = writer.steps;
    const first = await live.take(copy);
    const between = writer.steps;
    // In the place of the one before, while everything goes on.
    const second = await live.take(copy);
    const after = writer.steps;
    await end();
    await live.close();
    expect(between).toBeGreaterThan(before); // it was served meanwhile
    expect(second.side).not.toBe(first.side);
    await bringBack();
    const { numbers, named, missing } = await foundIn(back, rootKey);
    expect({ named, missing }).toEqual({ named: 3, missing: [] });
    const [{ step }] = numbers as [{ step: number }];
    expect(numbers).toEqual([{ step }, { step }]);
    expect(step).toBeGreaterThanOrEqual(between);
    expect(step).toBeLessThanOrEqual(after);
  });

  it('is what a backup of one that was stopped then would be', async () => {
    const { instance, copy, back, live, writer, bringBack } = await places();
    await writer.write();
    await live.take(copy);
    await live.close();
    await bringBack();
    expect([await recordsIn(back), blobsIn(back)]).toEqual([await recordsIn(instance), blobsIn(instance)]);
    expect([await isServed(instance), await isServed(copy), await isServed(back)]).toEqual([true, false, true]);
  });

  it('lets commits go on when what is held takes too long, and is refused by name when that does not end', async () => {
    const { copy, live, writer } = await places();
    const end = writer.start();
    // Time is up at once, each time.
    const startTimer = (_: number, run: () => void) => {
      run();
      return () => undefined;
    };
    await expect(live.take(copy, { startTimer })).rejects.toThrow('changes faster than it can be copied');
    const steps = writer.steps;
    await until(() => writer.steps > steps);
    await end();
    await live.take(copy);
    await live.close();
  });

  it('is none when the node may have lost the state, and when it is stopped', async () => {
    const { copy, live, bringBack } = await places();
    const lost = () => Promise.reject(new MoveError('lost'));
    await expect(live.take(copy, { checkState: lost })).rejects.toThrow('lost');
    const stop = new AbortController();
    const progress = () => stop.abort(new MoveError('stopped'));
    await expect(live.take(copy, { signal: stop.signal, progress })).rejects.toThrow('stopped');
    await expect(bringBack()).rejects.toThrow('holds no backup that was finished');
    await live.take(copy);
    await live.close();
    await bringBack();
  });

  it('finds a record that was read back as something else', async () => {
    const { copy, live } = await places();
    const list = live.store.list.bind(live.store);
    const other = <T extends { readonly id: string; readonly value: Uint8Array }>(record: T): T =>
      record.id.endsWith('/ü') ? { ...record, value: Buffer.from('other') } : record;
    let isDamaged = true;
    live.store.list = async (...args) => {
      const page = await list(...args);
      return isDamaged ? page.map(other) : page;
    };
    await expect(
      live.take(copy, { progress: ({ phase }) => void (isDamaged = phase !== 'reading back') }),
    ).rejects.toThrow('was read back at the target as something else');
    await live.close();
  });
});
