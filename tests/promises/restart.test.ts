import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { isAbsolute, join, relative } from 'node:path';
import { kustody, startKustody, temporaryDirectory, withoutProgress } from '../support/kustody-command.ts';
import { portsApart } from '../support/ports-apart.ts';

describe('a shell that was pointed at a data directory', () => {
  const directory = temporaryDirectory();
  afterAll(() => directory[Symbol.dispose]());

  /** Serves a directory; @returns what `env` says of it, and how to stop it */
  async function serve(path: string, ...options: string[]) {
    const up = startKustody(['up', '--data', path, ...options]);
    onTestFinished(async () => {
      up.process.kill('SIGTERM');
      await up.result;
    });
    await up.printed('Stop with');
    const { stdout, stderr } = await kustody(['env', '--data', relative(process.cwd(), path), '--format', 'json']);
    expect(withoutProgress(stderr)).toBe('');
    const stop = async (): Promise<string> => {
      up.process.kill('SIGTERM');
      return (await up.result).stdout;
    };
    return { environment: JSON.parse(stdout) as Record<string, string>, stop };
  }

  it('finds the same ports after a restart, and absolute paths wherever it was called', async () => {
    const data = join(directory.path, 'first');
    // In the moment in which nobody has them, a `kustody` of another test would take the ports that all try first.
    const [port, kustoPort, proxyPort] = await portsApart();
    const last = await serve(data, '--port', `${port}`, '--proxy-port', `${proxyPort}`);
    await last.stop();
    const taken = ['--port', `${port}`, '--kusto-port', `${kustoPort}`, '--proxy-port', `${proxyPort}`];
    const beside = await serve(join(directory.path, 'second'), ...taken);
    const before = await serve(data, '--kusto-port', `${kustoPort + 1}`);
    await beside.stop(); // and so leaves the ports that are tried first
    await before.stop();
    const after = await serve(data, '--seed');
    const seeded = ['CLUSTER_URI', 'DATABASE', 'KEY_ID', 'OBJECT_ID', 'VAULT_URI'].map((name) => `KUSTODY_${name}`);
    expect(after.environment).toEqual({
      ...before.environment,
      KUSTODY_CONTROL_TOKEN: after.environment['KUSTODY_CONTROL_TOKEN'],
      ...Object.fromEntries(seeded.map((name) => [name, expect.stringMatching(/./) as unknown])),
    });
    expect(beside.environment['HTTPS_PROXY']).not.toBe(before.environment['HTTPS_PROXY']);
    expect(beside.environment['KUSTODY_CONTROL']).not.toBe(before.environment['KUSTODY_CONTROL']);
    for (const name of [
      'KUSTODY_DATA_DIR',
      'NODE_EXTRA_CA_CERTS',
      'REQUESTS_CA_BUNDLE',
      'SSL_CERT_FILE',
      'AZURE_CONFIG_DIR',
    ])
      expect(isAbsolute(after.environment[name] ?? '')).toBe(true);
    expect(await after.stop()).toMatch(
      /KUSTODY_CLUSTER_URI=https:\/\/kustody\.eastus[^]*KUSTODY_OBJECT_ID=[0-9a-f-]{36}\n {2}KUSTODY_VAULT_URI=https:\/\/kustody-keys\.vault\.azure\.net\/\n {2}KUSTODY_KEY_ID=https:\/\/kustody-keys\.vault\.azure\.net\/keys\/cluster-key\n/,
    );
  });

  it('is told what is in the way', async () => {
    const { environment, stop } = await serve(join(directory.path, 'third'));
    const port = new URL(environment['HTTPS_PROXY'] ?? '').port;
    const taken = await kustody(['up', '--data', join(directory.path, 'fourth'), '--proxy-port', port]);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`Port ${port} is in use`) as string });
    await stop();
    const virtual = await kustody(['up', '--data', join(directory.path, 'third'), '--virtual-time']);
    expect(virtual).toMatchObject({ code: 1, stderr: expect.stringContaining('was made with real time') as string });
    const remote = await kustody(['up', '--data', join(directory.path, 'fifth'), '--host', '0.0.0.0']);
    expect(remote).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow-remote') as string });
  });
});
