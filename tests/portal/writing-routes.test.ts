import { afterAll, beforeAll, expect, it } from 'vitest';
import { controlRows } from '../../src/server/control-rows.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Each route that writes, with what a page from elsewhere or another instance has.

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;
let fixture: Fixture;
let other: Fixture;
let session: { readonly cookie: string; readonly 'x-kustody-page': string };
const host = (): string => `localhost:${fixture.server.port}`;
const send = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: unknown) =>
  fixture.send({ host: 'localhost', method, path, headers: { host: host(), ...headers }, body });

beforeAll(async () => {
  [fixture, other] = [await startServerFixture(), await startServerFixture()];
  const origin = `https://${host()}`;
  const answer = await send('POST', '/portal-links', { authorization: `Bearer ${fixture.server.controlToken}` });
  const link = /#open=([\w-]+)$/.exec((answer.body as { path: string }).path)?.[1] ?? '';
  const opened = await send('POST', '/portal/session', { origin }, { link });
  const [cookie = ''] = opened.headers['set-cookie'] ?? [];
  const { pageToken } = opened.body as { pageToken: string };
  session = { cookie: cookie.split(';')[0] ?? '', 'x-kustody-page': pageToken };
});
afterAll(() => Promise.all([fixture[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]));

const writing = controlRows.filter(({ method, access }) => method !== 'GET' && access !== 'anybody');

it('are many', () => {
  expect(writing.length).toBeGreaterThan(15);
});

it.each(writing.map((row) => [`${row.method} ${row.path}`, row] as const))(
  '%s takes neither the token of another instance, nor a session without its page or from elsewhere',
  async (_name, { method, path }) => {
    const place = path.replaceAll(/:\w+/g, 'x');
    const own = { origin: `https://${host()}` };
    const { cookie } = session;
    const statuses: Readonly<Record<string, number>> = {
      'another instance': (await send(method, place, { authorization: `Bearer ${other.server.controlToken}` }, {}))
        .status,
      nothing: (await send(method, place, own, {})).status,
      'no page': (await send(method, place, { ...own, cookie }, {})).status,
      'another page': (await send(method, place, { ...own, cookie, 'x-kustody-page': 'A'.repeat(43) }, {})).status,
      'another origin': (await send(method, place, { ...session, origin: 'https://evil.example' }, {})).status,
      'another site': (await send(method, place, { ...session, 'sec-fetch-site': 'cross-site' }, {})).status,
    };
    expect(statuses).toEqual({
      ...{ 'another instance': 401, nothing: 401, 'no page': 401, 'another page': 401 },
      ...{ 'another origin': 403, 'another site': 403 },
    });
  },
);
