import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/cli/drill/actions.ts';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { senderOf } from '../../src/cli/drill/drill-instance.ts';
import { required } from '../../src/cli/drill/outcome.ts';
import type { Outcome } from '../../src/cli/drill/outcome.ts';
import { keysVersion, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { sample } from '../support/sample.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { defaultKeySettings } from '../../src/server/settings.ts';
import { SteppedHost } from '../support/stepped-host.ts';
import { waitMs } from '../support/hang.ts';
import { until } from '../support/until.ts';

// The real server with real processes, real timers and the machine's own clock, which is set in both directions, far and near, and
// stopped: while it runs and while it does not, against what Kustody promises by time.

const hour = 3_600_000;
const day = 24 * hour;
const keys = { keyCacheSeconds: 3, keyOutageGraceSeconds: 4, keyRecheckSeconds: 1, vaultTimeoutMs: 5_000 };
/** Of busy machines; without the clocks it would be hours. */
const secondsMax = waitMs / 1000;
const directory = mkdtempSync(join(tmpdir(), 'kustody-clock-'));
const host = new SteppedHost();
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;

const start = (settings = keys) =>
  startServerFixture({ dataDirectory: directory, virtualTime: false, keys: settings, host });

async function instanceOf(): Promise<DrillInstance> {
  const { clocks, faults } = fixture.server.controls;
  return {
    environment: await fixture.server.environment(),
    now: () => clocks.clock.now(),
    pass: () => Promise.reject(new Error('The clock is real.')),
    addFault: async (rule) => {
      await faults.add(rule);
    },
    clearFaults: () => faults.clear(),
    warning: () => Promise.resolve(undefined),
  };
}

async function restart(): Promise<void> {
  await fixture.server.close();
  fixture = await start();
  await signIn();
}

/** Tokens that were issued before a step forward have expired. */
async function signIn(): Promise<void> {
  const instance = await instanceOf();
  scene = { ...scene, instance, send: senderOf(instance.environment) };
}

beforeAll(async () => {
  // On a busy machine a key that is looked at so often would be away while things are made.
  fixture = await start(defaultKeySettings);
  scene = await makeScene(await instanceOf());
  await restart();
});
afterAll(async () => {
  await fixture.server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Whatever a test did to the clock and to the hold. */
afterEach(async () => {
  await scene.instance.clearFaults();
  host.correct();
  await signIn();
  if ((await control('POST', '/clock/accept')).status === 200) return;
  await restart(); // its clock does not go back while it runs
  await control('POST', '/clock/accept');
});

const steps: readonly [string, () => void][] = [
  ['2 h back', () => host.step(-2 * hour)],
  ['2 h forward', () => host.step(2 * hour)],
  ['91 days back', () => host.step(-91 * day)],
  ['91 days forward', () => host.step(91 * day)],
  ['stopped', () => host.stop()],
];
const farSteps = steps.filter(([title]) => title.includes('days'));
const farSeconds = (title: string): number => (title.includes('back') ? -91 : 91) * (day / 1000);

async function control(method: string, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const token = fixture.server.controlToken;
  const { status, body } = await fixture.send({ host: 'localhost', method, path, token });
  return { status, body: body as Record<string, unknown> };
}

async function untilServed(wanted: boolean): Promise<number> {
  const from = performance.now();
  // Other refusals (no process yet, a busy machine) are neither.
  const isWanted = ({ kind, error }: Outcome): boolean => (wanted ? kind === 'served' : error === 'ClusterSuspended');
  await until(async () => isWanted((await countRows(scene)).outcome));
  return (performance.now() - from) / 1000;
}

let deletedKeys = 0;
/** Recoverable for 90 days, whoever asks. */
async function deletedKey(): Promise<string> {
  const name = `doomed-${(deletedKeys += 1)}`;
  const { vaultHost, send } = scene;
  required(
    await send({ host: vaultHost, method: 'POST', path: `/keys/${name}/create?${keysVersion}`, body: { kty: 'RSA' } }),
  );
  required(await send({ host: vaultHost, method: 'DELETE', path: `/keys/${name}?${keysVersion}` }));
  await until(() => isThere(name));
  return name;
}
const isThere = async (name: string): Promise<boolean> => {
  const path = `/deletedkeys/${name}?${keysVersion}`;
  return (await scene.send({ host: scene.vaultHost, method: 'GET', path })).status === 200;
};

/** The server has seen by how much its machine's clock has stepped in all; a minute is that of a busy machine.
 * @param meanwhile what holds all the time */
async function untilStepped(seconds: number, meanwhile = (): Promise<void> => Promise.resolve()): Promise<void> {
  await until(async () => {
    await meanwhile();
    const { unaccountedSeconds } = (await control('GET', '/clock')).body;
    return Math.abs(Number(unaccountedSeconds) - seconds) < 60;
  });
}

/** No row after the answer to the removal, all rows again after its undoing. */
async function loseAndRegain(): Promise<void> {
  const [way] = ways;
  await way?.take(scene);
  try {
    expect((await countRows(scene)).outcome).toMatchObject({ kind: 'refused', error: 'ClusterSuspended' });
  } finally {
    await way?.giveBack(scene);
  }
  expect(await untilServed(true)).toBeLessThan(secondsMax);
}

describe.each(sample(steps, 1, 'runs'))("the machine's clock goes %s while the server runs", (_title, step) => {
  it('a permission that is taken away bites at once', async () => {
    await untilServed(true);
    step();
    await signIn();
    await loseAndRegain();
  });

  it('a vault that says nothing: the grace ends in real time', async () => {
    await untilServed(true);
    await scene.instance.addFault({ kind: 'vault', vault: scene.vault, effect: 'down' });
    step();
    await signIn();
    const seconds = await untilServed(false);
    process.stdout.write(
      `grace ${keys.keyOutageGraceSeconds} s, clock ${_title}: refused after ${seconds.toFixed(1)} s\n`,
    );
    expect(seconds).toBeLessThan(secondsMax);
    await scene.instance.clearFaults();
    expect(await untilServed(true)).toBeLessThan(secondsMax);
  });
});

describe.each(sample(steps, 1, 'is not there'))(
  "the machine's clock goes %s while the server is not there",
  (_title, step) => {
    it('rows are served, and a permission that is taken away bites at once', async () => {
      step();
      await restart();
      await untilServed(true);
      await loseAndRegain();
    });
  },
);

describe.each(sample(farSteps, 1))('what is kept for 90 days, when the clock goes %s', (title, step) => {
  it.each([
    ['while the server runs', false],
    ['while the server is not there', true],
  ])('%s: stays until the clock is accepted, and says so', async (_when, restarts) => {
    const name = await deletedKey();
    step();
    await (restarts ? restart() : signIn());
    await untilStepped(farSeconds(title), async () => expect(await isThere(name)).toBe(true));
    expect(await isThere(name)).toBe(true);
    expect((await control('GET', '/clock')).body).toMatchObject({ heldJump: { from: expect.any(String) as string } });
    await restart();
    expect(await isThere(name)).toBe(true);
    expect((await control('POST', '/clock/accept')).status).toBe(200);
    expect((await control('GET', '/clock')).body).not.toHaveProperty('heldJump');
    expect(await isThere(name)).toBe(title.includes('back')); // accepted, its time is over or not
  });

  it('and comes right again by itself: still held, and accepting destroys nothing', async () => {
    const name = await deletedKey();
    step();
    await untilStepped(farSeconds(title));
    host.correct();
    await signIn();
    await untilStepped(0);
    expect((await control('GET', '/clock')).body).toHaveProperty('heldJump');
    const accepted = await control('POST', '/clock/accept');
    if (title.includes('forward'))
      expect(accepted).toMatchObject({ status: 409, body: { error: { code: 'ClockAhead' } } });
    await restart();
    expect((await control('POST', '/clock/accept')).status).toBe(200);
    expect(await isThere(name)).toBe(true);
  });
});

it('five steps of 23 h are one of many days', async () => {
  const name = await deletedKey();
  for (let step = 0; step < 5; step += 1) {
    host.step(23 * hour);
    if (step % 2 === 1) await restart();
    await untilStepped(((step + 1) * 23 * hour) / 1000);
  }
  await signIn();
  expect((await control('GET', '/clock')).body).toMatchObject({
    heldJump: {},
    unaccountedSeconds: expect.closeTo(5 * 23 * 3600, -1) as number,
  });
  expect(await isThere(name)).toBe(true);
});
