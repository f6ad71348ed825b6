import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { takeConfigFile } from './config-file.ts';
import { RootKeySource } from './root-key-source.ts';
import { upCommand } from './up.ts';
import type { UserError } from './user-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-config-'));
const file = join(directory, 'kustody-up.yaml');
afterAll(() => rmSync(directory, { recursive: true }));

/** The options of `kustody up` with this file, without anything being served. */
async function optionsWith(text: string, ...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  writeFileSync(file, text);
  let options: Readonly<Record<string, unknown>> = {};
  const command = upCommand(new RootKeySource({})).exitOverride();
  command.action(() => {
    takeConfigFile(command);
    options = command.opts();
  });
  await command.parseAsync(['--config', file, ...args], { from: 'user' });
  return options;
}

const refusal = (text: string): Promise<UserError> =>
  optionsWith(text).then(
    () => expect.fail('It was taken.'),
    (error: unknown) => error as UserError,
  );

describe('a file of settings', () => {
  it('stands for every option of up, as the command line would have it', async () => {
    const text = `
data: ./azure
host: 127.0.0.2
port: 443
proxy-port: 0
localhost-cluster: logs
allow: [packages.example.org, "packages.example.org:8443"]
vault:
  - contoso.vault.azure.net=env:CONTOSO
allow-remote: true
virtual-time: false
seed: ./fixtures
cluster-idle: 60
root-key-fd: 3
log-level: warn
`;
    const command = upCommand(new RootKeySource({})).exitOverride();
    command.action(() => undefined);
    const line = '--data ./azure --host 127.0.0.2 --port 443 --proxy-port 0 --localhost-cluster logs';
    const lists = '--allow packages.example.org --allow packages.example.org:8443';
    const vault = '--vault contoso.vault.azure.net=env:CONTOSO';
    const rest = '--allow-remote --seed ./fixtures --cluster-idle 60 --root-key-fd 3 --log-level warn';
    await command.parseAsync(`${line} ${lists} ${vault} ${rest}`.split(' '), { from: 'user' });
    expect(await optionsWith(text)).toEqual({ ...command.opts(), config: file });
  });

  it('comes after the command line, and before what is usual', async () => {
    const options = await optionsWith('port: 443\nhost: 127.0.0.2\nallow: [a.example.org]', '--port', '8443');
    expect(options).toMatchObject({ port: 8443, host: '127.0.0.2', logLevel: 'info' });
    expect((await optionsWith('seed: true'))['seed']).toBe(true);
    expect((await optionsWith('seed: false'))['seed']).toBeUndefined();
    expect((await optionsWith('# nothing yet\n'))['host']).toBe('127.0.0.1');
  });

  it('is refused with the setting that is wrong', async () => {
    expect((await refusal('prot: 443')).message).toBe(`${file}: there is no setting 'prot'.`);
    expect((await refusal('prot: 443')).hint).toContain('port, kusto-port');
    expect((await refusal('config: x')).message).toContain("no setting 'config'");
    expect((await refusal('port: many')).message).toContain(`${file}: port: `);
    expect((await refusal('port: [1, 2]')).message).toBe(`${file}: port takes a text or a number.`);
    expect((await refusal('port: true')).message).toBe(`${file}: port takes a text or a number.`);
    expect((await refusal('allow-remote: 1')).message).toBe(`${file}: allow-remote takes true or false.`);
    expect((await refusal('allow: [{}]')).message).toBe(`${file}: allow takes a list of texts.`);
    expect((await refusal('allow: ["not a host"]')).message).toContain("'not a host' is not a host name");
    expect((await refusal('- port')).message).toBe(`${file} has no settings.`);
    expect((await refusal('port: 1\nport: 2')).message).toContain('cannot be read');
    expect((await refusal('{')).message).toContain('cannot be read');
  });
});
