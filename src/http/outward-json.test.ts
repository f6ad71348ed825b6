import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenIssuer } from '../../tests/support/token-issuer.ts';
import { startTokenIssuer } from '../../tests/support/token-issuer.ts';
import { parseAllowedHost } from './allowed-hosts.ts';
import type { OutwardOptions } from './outward-json.ts';
import { createOutwardReader } from './outward-json.ts';

describe('reading JSON from a host elsewhere', () => {
  let issuer: TokenIssuer;
  beforeAll(async () => {
    issuer = await startTokenIssuer();
  });
  afterAll(() => issuer.close());

  const read = (path: string, allowed = [`localhost:${issuer.port}`], more: Partial<OutwardOptions> = {}) => {
    const allowedHosts = allowed.map((text) => parseAllowedHost(text)).filter((one) => one !== undefined);
    const url = path.includes('://') ? path : `${issuer.issuer}${path}`;
    return createOutwardReader({ allowedHosts, ca: issuer.caPem, ...more })(url);
  };
  const failed = (message: string) => ({ name: 'OutwardError', reason: 'failed', message });

  it('takes the document of a host that is let through', async () => {
    issuer.answers.set(
      '/fine',
      issuer.json(() => ({ fine: [1, 2] })),
    );
    await expect(read('/fine')).resolves.toEqual({ fine: [1, 2] });
  });

  it('asks nobody that is not let through, on that port', async () => {
    issuer.answers.set(
      '/secret',
      issuer.json(() => 'secret'),
    );
    for (const allowed of [[], ['localhost'], ['localhost:1'], ['*.example.org', '10.0.0.0/8']])
      await expect(read('/secret', allowed)).rejects.toMatchObject({
        reason: 'notAllowed',
        host: `localhost:${issuer.port}`,
      });
    expect(issuer.asked).not.toContain('/secret');
  });

  it('connects to no address inside that a name leads to', async () => {
    const resolveHost = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const url = `https://keys.example.org:${issuer.port}/secret`;
    const allowed = [`keys.example.org:${issuer.port}`];
    await expect(read(url, allowed, { resolveHost })).rejects.toMatchObject(
      failed(`Host 'keys.example.org:${issuer.port}' has no address that is let through.`),
    );
    expect(issuer.asked).not.toContain('/secret');
  });

  it.each(['http://localhost/', 'https://me@localhost/', 'file:///etc/passwd', 'localhost', ''])(
    'takes no other address: %j',
    async (url) => {
      await expect(read(url.includes('://') ? url : `data://${url}`)).rejects.toMatchObject({ reason: 'failed' });
    },
  );

  it('trusts only known roots', async () => {
    const other = await startTokenIssuer();
    await other.close();
    await expect(read('/fine', undefined, { ca: other.caPem })).rejects.toMatchObject({ reason: 'failed' });
  });

  it('follows nothing', async () => {
    issuer.answers.set('/moved', (response) => void response.writeHead(302, { location: '/followed' }).end());
    await expect(read('/moved')).rejects.toMatchObject(failed('It answered with status 302.'));
    expect(issuer.asked).not.toContain('/followed');
  });

  it('ends an answer that is too long, and one that is too slow', async () => {
    issuer.answers.set('/endless', (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    });
    await expect(read('/endless')).rejects.toMatchObject(failed('Its answer is too long.'));
    issuer.answers.set('/silent', (response) => void response.writeHead(200).write('{'));
    await expect(read('/silent', undefined, { timeoutMs: 50 })).rejects.toMatchObject({ reason: 'failed' });
  });

  it('says so when the answer is no JSON', async () => {
    issuer.answers.set('/text', (response) => void response.end('<html>'));
    await expect(read('/text')).rejects.toMatchObject({ name: 'OutwardError', reason: 'failed' });
  });
});
