import { expect, it } from 'vitest';
import { failoverText } from './failover.ts';

it.each([
  ['', 'on', 'asynchronous', 'synchronous_standby_names is empty'],
  [' ', 'remote_apply', 'asynchronous', 'synchronous_standby_names is empty'],
  ['FIRST 1 (a, b)', 'local', 'asynchronous', 'synchronous_commit = local'],
  ['FIRST 1 (a, b)', 'on', 'synchronous', 'FIRST 1 (a, b) have commits on the disk'],
  ['FIRST 1 (a, b)', 'remote_apply', 'synchronous', 'have commits on the disk'],
  ['ANY 1 (*)', 'remote_write', 'synchronous', 'received commits, if not on the disk,'],
  ['a\u001b[2J', 'on', 'synchronous', 'standbys of a?[2J have'],
])('failover to %j with synchronous_commit = %s is %s', (standbys, waitsFor, kind, part) => {
  const text = failoverText(standbys, waitsFor);
  expect(text).toContain(`Failover is ${kind}:`);
  expect(text).toContain(part);
});
