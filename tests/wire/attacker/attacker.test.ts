import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Attacked } from './attacked.ts';
import { startAttacked } from './attacked.ts';
import { describeData } from './data.ts';
import { describeEveryRoute } from './every-route.ts';
import { describeIdentities } from './identities.ts';
import { describeNames } from './names.ts';
import { describeReach } from './reach.ts';
import { describeRequests } from './requests.ts';
import { describeRoles } from './roles.ts';
import { describeRoot } from './root.ts';
import { describeSecrets } from './secrets.ts';
import { describeTokens } from './tokens.ts';

/** What an outsider, or a principal with few rights, would try on a running instance: one for all of it, over TLS. */
let running: Attacked;
beforeAll(async () => {
  running = await startAttacked();
});
const serves = async (): Promise<void> => expect(await running.serves()).toEqual([200, 200, 200]);
afterAll(async () => {
  try {
    await serves();
  } finally {
    await running[Symbol.asyncDispose]();
  }
});
/** After every tenth of 800: it takes as long as most of them. */
let attacks = 0;
afterEach(async () => {
  attacks += 1;
  if (attacks % 10 === 0) await serves();
});

const attacked = (): Attacked => running;
describeTokens(attacked);
describeEveryRoute(attacked);
describeRequests(attacked);
describeRoles(attacked);
describeNames(attacked);
describeReach(attacked);
describeRoot(attacked);
describeData(attacked);
describeSecrets(attacked);
describeIdentities(attacked);
