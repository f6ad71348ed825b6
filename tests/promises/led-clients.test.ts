import https from 'node:https';
import { connect } from 'node:tls';
import { DefaultAzureCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import axios1150 from 'axios-1.15.0';
import axios1211 from 'axios-1.21.1';
import axios140 from 'axios-1.4.0';
import axios184 from 'axios-1.8.4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKustody } from '../../dist/testing.js';
import type { Started } from '../../dist/testing.js';
import { isLedHost, leadClients } from '../../src/testing/lead-clients.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';

// This file has a process of its own, and leads what is in it.

let k: Started<{ readonly cluster: true }>;
const tenants = 'https://management.azure.com/tenants?api-version=2022-12-01';

type Get = (
  url: string,
  options?: { validateStatus: () => boolean },
) => Promise<{ readonly status: number; readonly data: unknown }>;
const axiosVersions: Readonly<Record<string, Get>> = {
  '1.4.0': (url, options) => axios140.get(url, options),
  '1.8.4': (url, options) => axios184.get(url, options),
  '1.15.0': (url, options) => axios1150.get(url, options),
  '1.21.1': (url, options) => axios1211.get(url, options),
};

beforeAll(async () => {
  k = await startKustody({ cluster: true });
  leadClients({ port: Number(new URL(k.endpoints.control).port), ca: k.ca }, process.env);
});
afterAll(() => k.close());

describe('a process whose clients are led', () => {
  it.each(Object.entries(axiosVersions))('leads axios %s', async (_, get) => {
    const answer = await get(tenants, { validateStatus: () => true });
    expect(answer.status).toBe(401);
    expect(answer.data).toMatchObject({ error: { code: 'AuthenticationFailed' } });
    const metadata = await get(`${k.cluster.uri}/v1/rest/auth/metadata`);
    expect(metadata.data).toMatchObject({ AzureAD: { LoginEndpoint: 'https://login.microsoftonline.com' } });
  });

  it('leads fetch, https.request and tls.connect in all its forms', async () => {
    expect((await fetch(tenants)).status).toBe(401);
    const status = await new Promise((resolve, reject) => {
      https.get(tenants, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });
    expect(status).toBe(401);
    const host = 'management.azure.com';
    const forms = [
      () => connect({ host, port: 443, servername: host }),
      () => connect(443, host),
      () => connect(443, host, { servername: host }),
    ];
    for (const form of forms) {
      const socket = form();
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      expect(socket.getPeerCertificate().subjectaltname).toContain(`DNS:${host}`);
      socket.destroy();
    }
  });

  it('leads the SDKs with the credential that the environment gives', async () => {
    Object.assign(process.env, await azureVariables());
    const keys = new KeyClient(k.cluster.vaultUri, new DefaultAzureCredential());
    expect((await keys.getKey(k.cluster.keyName)).name).toBe(k.cluster.keyName);
  });

  it('leads past a proxy that is named in the environment', async () => {
    const proxy = await startConnectProxy(new Map());
    const before = process.env['HTTPS_PROXY'];
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${proxy.port}`;
    try {
      for (const get of Object.values(axiosVersions))
        expect((await get(tenants, { validateStatus: () => true })).status).toBe(401);
      expect(proxy.asked).toEqual([]);
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY'];
      else process.env['HTTPS_PROXY'] = before;
      await proxy.close();
    }
  });

  it('leaves all other hosts alone', async () => {
    expect(
      ['localhost', 'example.org', 'vault.azure.net', 'x.blob.core.windows.net', 'azure.com'].filter(isLedHost),
    ).toEqual([]);
    expect(['LOGIN.microsoftonline.com', 'a.vault.azure.net', 'a.eastus.kusto.windows.net'].every(isLedHost)).toBe(
      true,
    );
    await expect(fetch(`${k.endpoints.control}/healthz`)).rejects.toThrow(); // its certificate is not trusted here
    const answer = await new Promise((resolve, reject) => {
      https
        .get(`${k.endpoints.control}/healthz`, { ca: k.ca }, (response) => resolve(response.resume().statusCode))
        .on('error', reject);
    });
    expect(answer).toBe(200);
  });
});

async function azureVariables(): Promise<Readonly<Record<string, string>>> {
  const all = Object.entries(await k.environment());
  return Object.fromEntries(
    all.flatMap(([name, value]) => (name.startsWith('AZURE_') && value !== undefined ? [[name, value]] : [])),
  );
}
