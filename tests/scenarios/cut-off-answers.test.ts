import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { database, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { outcomeOf, outcomeOfText, rawClient } from '../support/raw-client.ts';
import type { RawClient } from '../support/raw-client.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Whoever asks while the key is taken away hears rows or the name of the refusal, never a broken connection.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;
let token = '';

beforeAll(async () => {
  const keys = { keyCacheSeconds: 7200, keyOutageGraceSeconds: 7200, keyRecheckSeconds: 3600, vaultTimeoutMs: 5_000 };
  fixture = await startServerFixture({ keys });
  scene = await makeScene(await drillInstance(fixture.server));
  token = await fixture.tokenFor(`https://${scene.clusterHost}`);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const [way] = ways.filter(({ bites }) => bites === 'refusal');
const suspended = '503 ClusterSuspended';
const body = JSON.stringify({ db: database, csl: 'Readings | count' });

async function ask(agent?: Agent): Promise<string> {
  try {
    const answer = await fixture.send({
      ...{ host: scene.clusterHost, method: 'POST', path: '/v1/rest/query', token, body },
      headers: { accept: 'application/json' },
      ...(agent && { agent }),
    });
    return outcomeOf(answer);
  } catch (error) {
    return String(error);
  }
}

const until = async (outcome: string): Promise<void> => {
  while ((await ask()) !== outcome);
};

/** Asks again and again until it is told to stop. @returns all outcomes */
function asking(agent?: Agent): { readonly stop: () => Promise<readonly string[]> } {
  const outcomes: string[] = [];
  const stopping = new AbortController();
  const asked = (async () => {
    while (!stopping.signal.aborted) outcomes.push(await ask(agent));
  })();
  return {
    stop: async () => {
      stopping.abort();
      await asked;
      agent?.destroy();
      return outcomes;
    },
  };
}

const headers = (): string =>
  [
    ...['POST /v1/rest/query HTTP/1.1', `host: ${scene.clusterHost}`, `authorization: Bearer ${token}`],
    ...['accept: application/json', 'content-type: application/json', `content-length: ${body.length}`, '', ''],
  ].join('\r\n');

const client = (heldAfter?: number): Promise<RawClient> =>
  rawClient(
    { host: scene.clusterHost, port: fixture.server.port, ca: readFileSync(fixture.server.caFile, 'utf8') },
    heldAfter,
  );

/** A client whose TLS is done, and that has said this much. */
async function saying(text: string): Promise<RawClient> {
  const one = await client();
  await once(one.socket, 'secureConnect');
  await new Promise((resolve) => one.socket.write(text, resolve));
  return one;
}

/** The process that ends has half a second of real time for its last words, which a machine under load may not give it. */
const halfSecond = { retry: 2 };

const stopped: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(stopped.splice(0).map((stop) => stop()));
  await way?.giveBack(scene);
  await until('200');
});

describe('a request while the key is taken away', () => {
  it.each([1, 2])('is answered, whether its connection is its own or kept (%i)', halfSecond, async () => {
    const all = Array.from({ length: 8 }, (_, index) =>
      asking(index % 2 === 0 ? undefined : new Agent({ keepAlive: true, maxSockets: 1 })),
    );
    stopped.push(...all.map(({ stop }) => stop));
    await until('200');
    await way?.take(scene);
    for (let count = 0; count < 5; count += 1) expect(await ask()).toBe(suspended);
    const outcomes = (await Promise.all(all.map(({ stop }) => stop()))).flat();
    expect(new Set(outcomes)).toEqual(new Set(['200', suspended]));
  });

  it('is answered when it is half said, or its connection half made', halfSecond, async () => {
    await until('200');
    const greeting = await client(0.5);
    const shaking = await client(1);
    const heading = await saying(headers().slice(0, 60));
    const sending = await saying(headers() + body.slice(0, 10));
    const again = await saying(headers() + body);
    await once(again.socket, 'data');
    await new Promise((resolve) => again.socket.write(headers().slice(0, 60), resolve));
    const taken = way?.take(scene);
    shaking.goOn();
    shaking.socket.write(headers() + body);
    await taken;

    greeting.goOn();
    greeting.socket.write(headers() + body);
    expect(outcomeOfText(await greeting.heard)).toBe(suspended);
    const sent = await sending.heard;
    expect(outcomeOfText(sent)).toBe(suspended);
    expect(sent).toContain(scene.vault); // he has said who he is
    for (const { heard } of [heading, again]) {
      const text = (await heard).split('HTTP/1.1 503').at(-1) ?? '';
      expect(outcomeOfText(`HTTP/1.1 503${text}`)).toBe(suspended);
      expect(text).not.toContain(scene.vault);
    }
    shaking.socket.end();
    expect(['200', suspended]).toContain(outcomeOfText(await shaking.heard));
  });
});
