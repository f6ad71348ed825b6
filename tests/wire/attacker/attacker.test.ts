import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Attacked } from './attacked.ts';
import { startAttacked } from './attacked.ts';
import { describeRequests } from './requests.ts';
import { describeRoles } from './roles.ts';
import { describeTokens } from './tokens.ts';

let running: Attacked;
beforeAll(async () => {
  running = await startAttacked();
}, 120_000);
afterAll(() => running[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await running.serves()).toEqual([200, 200, 200]);
});

const attacked = (): Attacked => running;
describeTokens(attacked);
describeRequests(attacked);
describeRoles(attacked);
