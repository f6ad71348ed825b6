import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, look } from '../../src/cmk/apply.ts';
import type { Progress } from '../../src/cmk/apply.ts';
import type { CmkClients } from '../../src/cmk/clients.ts';
import type { PlanOptions } from '../../src/cmk/plan-step.ts';
import { startCmkFixture } from '../support/cmk-fixture.ts';

const options: PlanOptions = { createKey: true, keySizeBits: 2048, enablePurgeProtection: false };
const quiet: Progress = {
  run: async (_title, work) => {
    await work();
  },
};

describe('a permission that was given a moment ago', () => {
  let fixture: Awaited<ReturnType<typeof startCmkFixture>>;
  beforeAll(async () => {
    fixture = await startCmkFixture();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  /** A vault that hears of permissions late, as on Azure: the first updates with a key are refused, in one or the other form. */
  function refusing(clients: CmkClients, refusals: Error[]): CmkClients {
    return {
      ...clients,
      kusto: (id) => {
        const real = clients.kusto(id);
        const update: typeof real.clusters.beginUpdateAndWait = (group, name, change, more) => {
          const refusal = change.keyVaultProperties === undefined ? undefined : refusals.shift();
          return refusal === undefined
            ? real.clusters.beginUpdateAndWait(group, name, change, more)
            : Promise.reject(refusal);
        };
        const clusters = new Proxy(real.clusters, {
          get: (target, member): unknown =>
            member === 'beginUpdateAndWait' ? update : Reflect.get(target, member, target),
        });
        return new Proxy(real, {
          get: (target, member): unknown => (member === 'clusters' ? clusters : Reflect.get(target, member, target)),
        });
      },
    };
  }

  const refused = (): Error =>
    Object.assign(new Error('no access'), { statusCode: 400, code: 'IdentityDoesNotHaveAccessToKeyVault' });
  const refusedLater = (): Error =>
    new Error('The long-running operation has failed. IdentityDoesNotHaveAccessToKeyVault. no access');

  it('is waited for, when it was given in this run', async () => {
    const target = await fixture.fresh({ roles: true });
    const pauses: number[] = [];
    const pace = {
      now: () => new Date(),
      sleep: (milliseconds: number) => {
        pauses.push(milliseconds);
        return Promise.resolve();
      },
    };
    const { plan } = await look(fixture.clients, target, options, pace);
    const clients = refusing(fixture.clients, [refused(), refusedLater()]);
    await apply(clients, { target, options, agreed: plan }, pace, quiet);
    expect(pauses).toEqual([15_000, 15_000]);
    expect((await look(fixture.clients, target, options, pace)).plan.result).toBe('nothingToDo');
  });

  it('is not waited for when another thing is wrong, or for ever', async () => {
    const target = await fixture.fresh();
    let pauses = 0;
    const pace = {
      now: () => new Date(),
      sleep: () => {
        pauses += 1;
        return Promise.resolve();
      },
    };
    const { plan } = await look(fixture.clients, target, options, pace);
    const request = { target, options, agreed: plan };
    const other = Object.assign(new Error('was not found'), { statusCode: 400, code: 'KeyVaultNotFound' });
    await expect(apply(refusing(fixture.clients, [other]), request, pace, quiet)).rejects.toThrow('was not found');
    expect(pauses).toBe(0);
    // The permission is there since the last run: a refusal now is one.
    await expect(apply(refusing(fixture.clients, [refused()]), request, pace, quiet)).rejects.toThrow('no access');
    expect(pauses).toBe(0);
    const again = await fixture.fresh();
    const agreed = (await look(fixture.clients, again, options, pace)).plan;
    const always = Array.from({ length: 100 }, refused);
    const never = apply(refusing(fixture.clients, always), { target: again, options, agreed }, pace, quiet);
    await expect(never).rejects.toThrow('no access');
    expect(pauses).toBe(39);
  });
});
