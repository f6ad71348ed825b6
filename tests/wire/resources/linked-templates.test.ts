import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseHostName } from '../../../src/base/names.ts';
import { parseAllowedHost } from '../../../src/http/allowed-hosts.ts';
import { createAuthorityMaterial, openAuthority } from '../../../src/http/certificate-authority.ts';
import type { ReadJson } from '../../../src/http/outward-json.ts';
import { createContentReader } from '../../../src/server/content-reader.ts';
import type { Part } from './deployments.fixture.ts';
import { identity, template, useDeployments } from './deployments.fixture.ts';

/** One that our own authority may speak for. */
const host = 'templates.vault.azure.net';
/** What the other host answers, and what it was asked. */
const files = new Map<string, string | ((response: ServerResponse) => void)>();
const asked: string[] = [];
let server: Server;
let site: string;
let read: ReadJson;

const used = useDeployments((url) => read(url));

beforeAll(async () => {
  const wallClock = (): number => Date.now();
  const authority = await openAuthority(await createAuthorityMaterial({ wallClock }), { wallClock });
  const name = parseHostName(host);
  if (name === undefined) throw new Error('it is a host name');
  const leaf = await authority.leafFor(name);
  server = createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem }, (request, response) => {
    asked.push(request.url ?? '');
    const found = files.get(request.url ?? '');
    if (found === undefined) response.writeHead(404).end();
    else if (typeof found === 'string') response.end(found);
    else found(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  site = `https://${host}:${port}`;
  read = createContentReader({
    allowedHosts: [`${host}:${port}`, '127.0.0.0/8'].flatMap((text) => parseAllowedHost(text) ?? []),
    resolveHost: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    ca: authority.certificatePem,
  });
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  files.clear();
  asked.length = 0;
});

const put = (name: string, properties: Part, verb = '') =>
  used.arm.send(verb === '' ? 'PUT' : 'POST', used.path(name, verb), {
    body: { properties: { mode: 'Incremental', ...properties } },
  });
const deployed = async (name: string, properties: Part) => {
  const first = await put(name, properties);
  await used.arm.deployments.quiet();
  return { first, last: await used.arm.send('GET', used.path(name)) };
};
const named = template({ parameters: { name: { type: 'string' } }, resources: [identity("[parameters('name')]")] });
const linking = (link: Part, name = 'inner', more: Part = {}): Part => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2022-09-01',
  name,
  properties: { mode: 'Incremental', templateLink: link, ...more },
});

describe('linked templates', () => {
  it('are deployed with linked parameters, and shown by their addresses', async () => {
    files.set('/t/main.json', JSON.stringify(named));
    files.set(
      '/t/p.json?sig=secret',
      JSON.stringify({ $schema: 'parameters', contentVersion: '1.0.0.0', parameters: { name: { value: 'linked' } } }),
    );
    const properties = {
      templateLink: { uri: `${site}/t/main.json`, contentVersion: '1.0.0.0' },
      parametersLink: { uri: `${site}/t/p.json?sig=secret` },
    };
    const { first, last } = await deployed('links', properties);
    expect(first.status).toBe(201);
    expect(last.body).toMatchObject({
      properties: {
        provisioningState: 'Succeeded',
        templateLink: { uri: `${site}/t/main.json`, contentVersion: '1.0.0.0' },
        parametersLink: { uri: `${site}/t/p.json` },
        parameters: { name: { type: 'String', value: 'linked' } },
        outputResources: [{ id: expect.stringMatching(/userAssignedIdentities\/linked$/) as string }],
      },
    });
    expect(last.text).not.toContain('secret');
    expect((await put('links', properties, '/validate')).status).toBe(200);
    expect((await deployed('links', properties)).last.body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
  });

  it('are nested, by addresses beside the template around them, comments and all', async () => {
    files.set(
      '/t/main.json?sv=1',
      JSON.stringify(
        template({
          resources: [
            linking({ relativePath: 'parts/inner.json', queryString: 'sv=2' }, 'inner', {
              parameters: { name: { value: 'beside' } },
            }),
          ],
          outputs: { from: { type: 'string', value: '[deployment().properties.templateLink.uri]' } },
        }),
      ),
    );
    files.set('/t/parts/inner.json?sv=2', `// what is inside\n${JSON.stringify(named)}`);
    const { last } = await deployed('nested', { templateLink: { uri: `${site}/t/main.json`, queryString: 'sv=1' } });
    expect(last.body).toMatchObject({
      properties: {
        provisioningState: 'Succeeded',
        outputs: { from: { value: `${site}/t/main.json` } },
        outputResources: [{ id: expect.stringMatching(/userAssignedIdentities\/beside$/) as string }],
      },
    });
    expect((await used.arm.send('GET', used.path('inner'))).body).toMatchObject({
      properties: { templateLink: { uri: `${site}/t/parts/inner.json` } },
    });
  });

  it('go no deeper than others, whether or not that is seen beforehand', async () => {
    const itself = linking({ uri: `${site}/loop.json` }, "[concat(deployment().name, 'x')]");
    files.set('/loop.json', JSON.stringify(template({ resources: [itself] })));
    const answer = await put('loop', { templateLink: { uri: `${site}/loop.json` } });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('go deeper than 5 levels')]);
    expect(asked).toEqual(['/loop.json']);

    const later = linking({ uri: `${site}/later.json` }, "[concat(deployment().name, 'x')]", {
      parameters: { seen: { value: "[reference('early').clientId]" } },
    });
    files.set(
      '/later.json',
      JSON.stringify(template({ parameters: { seen: { type: 'string' } }, resources: [identity('early'), later] })),
    );
    const { last } = await deployed('later', {
      templateLink: { uri: `${site}/later.json` },
      parameters: { seen: { value: '' } },
    });
    expect(last.body).toMatchObject({ properties: { provisioningState: 'Failed' } });
    expect((await used.arm.send('GET', used.path(`later${'x'.repeat(6)}`))).status).toBe(404);
  });

  it.each([
    ['a host that is not let through', 'https://elsewhere.example.org/t.json', '--allow elsewhere.example.org'],
    ['another port of it', `https://${host}/t.json`, `--allow ${host}`],
    ['what is not there', '/none.json', 'status 404'],
    ['a redirect', '/moved.json', 'status 302'],
    ['too much', '/long.json', 'too long'],
    ['what is no JSON', '/text.json', ''],
    ['a list', '/list.json', 'no JSON object'],
  ])('are refused from %s', async (_, uri, why) => {
    files.set('/moved.json', (response) => void response.writeHead(302, { location: `${site}/fine.json` }).end());
    files.set('/fine.json', JSON.stringify(template({})));
    files.set('/long.json', JSON.stringify(template({ metadata: { text: 'x'.repeat(4 * 1024 * 1024) } })));
    files.set('/text.json', 'a template');
    files.set('/list.json', '[]');
    const address = uri.startsWith('/') ? `${site}${uri}` : uri;
    for (const verb of ['', '/validate', '/whatIf']) {
      const answer = await put('refused', { templateLink: { uri: address } }, verb);
      expect(answer, answer.text).toMatchObject({
        status: 400,
        body: {
          error: {
            code: 'InvalidContentLink',
            message: expect.stringMatching(
              /^Unable to download deployment content from 'https:.*\.json'\. The tracking Id is '[\da-f-]{36}'\. /,
            ) as string,
            details: [{ message: expect.stringContaining(why) as string }],
          },
        },
      });
    }
    expect(asked).not.toContain('/fine.json');
  });

  it.each([
    'http://templates.example.org/t.json',
    'https://localhost/t.json',
    'https://127.0.0.1/t.json',
    'https://[::1]/t.json',
    'file:///etc/passwd',
    String.raw`\\server\share\t.json`,
    'main.json',
  ])('have no address such as %s', async (uri) => {
    const answer = await put('refused', { templateLink: { uri } });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('InvalidContentLink')]);
    expect(answer.text).toContain('Content link must be an absolute URI not referencing local host or UNC path.');
    expect(asked).toEqual([]);
  });

  it('are refused in another version, beside a template, and relative to nothing', async () => {
    files.set('/t.json', JSON.stringify(template({})));
    const uri = `${site}/t.json`;
    for (const [properties, code] of [
      [{ templateLink: { uri, contentVersion: '2.0.0.0' } }, 'InvalidTemplate'],
      [{ templateLink: { uri }, template: template({}) }, 'InvalidRequestContent'],
      [{ templateLink: { relativePath: 't.json' } }, 'InvalidContentLink'],
      [{ templateLink: { uri, relativePath: 't.json' } }, 'InvalidContentLink'],
      [{ templateLink: {} }, 'InvalidContentLink'],
    ] as const) {
      const answer = await put('refused', properties);
      expect(answer, answer.text).toMatchObject({ status: 400, body: { error: { code } } });
    }
  });

  it('are read eight at a time, whoever else waits', async () => {
    const held: (() => void)[] = [];
    let most = 0;
    for (let n = 0; n < 12; n += 1)
      files.set(`/h${n}.json`, (response) => {
        most = Math.max(
          most,
          held.push(() => void response.end(JSON.stringify(template({})))),
        );
      });
    const answers = Array.from({ length: 12 }, (_, n) => read(`${site}/h${n}.json`));
    for (let done = 0; done < 12; done += 1) {
      await expect.poll(() => held.length).toBe(Math.min(8, 12 - done));
      held.shift()?.();
    }
    expect(await Promise.all(answers)).toHaveLength(12);
    expect(most).toBe(8);
  });

  it('name no more addresses than a request may', async () => {
    const names = Array.from({ length: 21 }, (_, index) => `n${index}`);
    for (const name of names) files.set(`/${name}.json`, JSON.stringify(template({})));
    const resources = names.map((name) => linking({ uri: `${site}/${name}.json` }, name));
    const answer = await put('many', { template: template({ resources }) }, '/validate');
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('more than 20 addresses')]);
    expect(asked).toHaveLength(20);
  });
});
