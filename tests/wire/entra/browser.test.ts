import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from '../../support/portal-browser.ts';
import { openBrowser, portalCanBeSeen } from '../../support/portal-browser.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

const cli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const scope = 'https://vault.azure.net/.default';

interface Msal {
  readonly PublicClientApplication: new (configuration: object) => {
    acquireTokenInteractive(request: object): Promise<{ readonly accessToken: string }>;
  };
}
const { PublicClientApplication } = createRequire(import.meta.resolve('@azure/identity'))('@azure/msal-node') as Msal;

/** Chromium goes to the real names by the proxy, and to clients on this machine by itself. */
describe.skipIf(!portalCanBeSeen)('the sign-in page, in a browser', () => {
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  beforeAll(async () => {
    fixture = await startServerFixture();
  });
  afterAll(() => fixture[Symbol.asyncDispose]());
  beforeEach(async () => {
    browser = await openBrowser(`http://127.0.0.1:${fixture.server.proxyPort}`);
  });
  afterEach(() => browser.close());

  const signIn = async (page: Page, password = fixture.environment.user?.password ?? ''): Promise<void> => {
    await page.getByLabel('User').fill(fixture.environment.user?.principalName ?? '');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const send = (
    url: string,
    method: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string },
  ) => {
    const { hostname, pathname, search } = new URL(url);
    const sent = { host: hostname, method, path: `${pathname}${search}`, headers };
    return fixture.send({ ...sent, ...(body === undefined ? {} : { body }) });
  };

  it('brings MSAL a token, after a wrong password too', async () => {
    const { page } = browser;
    const application = new PublicClientApplication({
      auth: { clientId: cli, authority: `https://login.microsoftonline.com/${fixture.environment.tenantId}` },
      system: {
        networkClient: {
          sendGetRequestAsync: (url: string, options = {}) => send(url, 'GET', options),
          sendPostRequestAsync: (url: string, options = {}) => send(url, 'POST', options),
        },
      },
    });
    const { accessToken } = await application.acquireTokenInteractive({
      scopes: [scope],
      openBrowser: async (url: string) => {
        await page.goto(url);
        await signIn(page, 'wrong');
        expect(await page.getByRole('alert').innerText()).toContain('AADSTS50126');
        await signIn(page);
      },
    });
    expect(decodeJwt(accessToken)).toMatchObject({
      ...{ aud: 'https://vault.azure.net', appid: cli, upn: fixture.environment.user?.principalName },
    });
  });

  it('posts the answer to the client when it is asked to: its own script may run, and nothing else', async () => {
    const client = createServer();
    const posted = new Promise<URLSearchParams>((resolve) => {
      client.on('request', (request, response) => {
        void text(request).then((body) => {
          if (request.method === 'POST') resolve(new URLSearchParams(body));
          response.end('done');
        });
      });
    });
    await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve));
    const { page, complaints } = browser;
    const query = new URLSearchParams({
      ...{ client_id: cli, response_type: 'code', response_mode: 'form_post', scope, state: 'kept' },
      redirect_uri: `http://localhost:${(client.address() as AddressInfo).port}/`,
    });
    const { tenantId } = fixture.environment;
    await page.goto(`https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/authorize?${query.toString()}`);
    await signIn(page);
    const answer = await posted;
    expect(answer.get('state')).toBe('kept');
    expect(answer.get('code')).toMatch(/./);
    expect(complaints).toEqual([]);
    client.closeAllConnections();
    client.close();
  });
});
