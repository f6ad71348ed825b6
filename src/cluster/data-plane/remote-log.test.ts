import { expect, it } from 'vitest';
import { ChannelBusyError } from '../messages/channel.ts';
import { remoteLog } from './remote-log.ts';
import type { CallMain } from '../messages/data-plane-calls.ts';

it('lines for which there was no room are counted in the next that there is room for', async () => {
  const lines: unknown[] = [];
  let isBusy = true;
  const call = ((_operation: string, body: unknown) => {
    if (isBusy) return Promise.reject(new ChannelBusyError('full'));
    lines.push(body);
    return Promise.resolve(null);
  }) as CallMain;
  const log = remoteLog(call);
  log.event('one');
  log.warning('two');
  await new Promise(setImmediate);
  isBusy = false;
  log.event('three');
  await new Promise(setImmediate);
  expect(lines).toEqual([
    { method: 'event', name: 'three', fields: {} },
    { method: 'warning', name: 'log-lines-lost', fields: { lines: 2 } },
  ]);
});
