import type { JsonObject } from '../../../../src/base/json.ts';
import { az, command } from '../../../../src/cmk/commands.ts';
import { mendByTypeScript } from '../../../../src/cmk/mend-typescript.ts';
import { moduleText, opening, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { hostOfVault, idOf, keysVersion, nameOf, objectMember } from '../resources.ts';
import type { Deed, Form, PlaneRequest } from '../form.ts';
import { choice, text, valueOf, words } from '../form.ts';
import type { Thing } from '../thing-kind.ts';
import { bicepOf, existingOf, resourceOf } from '../written.ts';
import { vaultChoices } from './places.ts';

const type = 'Microsoft.KeyVault/vaults/keys';

const vaultRequest = (host: string, method: PlaneRequest['method'], path: string, json?: JsonObject): PlaneRequest => ({
  ...{ host, method, path: `${path}?${keysVersion}` },
  ...(json === undefined ? {} : { json }),
});

export const makeKey: Form = {
  ...{ id: 'make', title: 'Make a key' },
  fields: (base) => [
    choice('vault', 'Vault', vaultChoices(base)),
    text('name', 'Name', '', 'Letters, digits and hyphens. A key of this name gets a new version.'),
    choice('size', 'RSA key of', [
      { value: '2048', label: '2048 bits' },
      { value: '3072', label: '3072 bits' },
      { value: '4096', label: '4096 bits' },
    ]),
  ],
  deed: (values, { vaults }) => {
    const vault = vaults.find((one) => idOf(one) === valueOf(values, 'vault')) ?? {};
    const [host, name] = [hostOfVault(vault), valueOf(values, 'name')];
    const sizeBits = Number(valueOf(values, 'size'));
    const place = { vault: nameOf(vault), vaultUri: `https://${host}/`, key: name };
    const around = existingOf('Microsoft.KeyVault/vaults', 'vault', [nameOf(vault)]);
    return {
      steps: [
        vaultRequest(host, 'POST', `/keys/${encodeURIComponent(name)}/create`, { kty: 'RSA', key_size: sizeBits }),
      ],
      az: [az.createKey(place, sizeBits)],
      bicep: bicepOf(
        resourceOf(
          ...([type, 'vault', [nameOf(vault), name]] as const),
          { properties: { kty: 'RSA', keySize: sizeBits } },
          { parent: around.symbol },
        ),
        { existing: [around] },
      ),
      typescript: mendByTypeScript({ kind: 'createKey', ...place, sizeBits }),
    };
  },
};

/** A change of one key, at one call of each client. */
function keyForm(
  id: string,
  title: string,
  request: (key: string) => readonly [PlaneRequest['method'], string, doneWhenThere?: string],
  azWords: string,
  typescript: (name: string) => string,
): Form {
  return {
    ...{ id, title, fields: () => [] },
    deed: (_, __, thing): Deed => {
      const { host, vault, name } = placeOfKey(thing);
      const [method, path, there] = request(encodeURIComponent(name));
      const until = there === undefined ? {} : { doneWhenThere: `${there}?${keysVersion}` };
      return {
        steps: [{ ...vaultRequest(host, method, path), ...until }],
        az: [command('az', 'keyvault', 'key', azWords, '--vault-name', vault, '--name', name)],
        typescript: keyModule(host, typescript(literalText(name))),
      };
    },
  };
}

const keyModule = (host: string, line: string): string =>
  moduleText({ client: 'keys', lines: [opening(`https://${host}/`), line] });

function placeOfKey({ name, resource }: Thing): Readonly<Record<'host' | 'vault' | 'name', string>> {
  const vault = objectMember(resource, 'vault');
  return { host: hostOfVault(vault), vault: nameOf(vault), name };
}

export const rotateKey = keyForm(
  ...(['rotate', 'Make a new version'] as const),
  (key) => ['POST', `/keys/${key}/rotate`],
  'rotate',
  (name) => `await client.rotateKey(${name});`,
);

export const deleteKey = keyForm(
  ...(['delete', 'Delete the key'] as const),
  (key) => ['DELETE', `/keys/${key}`, `/deletedkeys/${key}`],
  'delete',
  (name) => `await (await client.beginDeleteKey(${name})).pollUntilDone();`,
);

export const recoverKey = keyForm(
  ...(['recover', 'Recover the key'] as const),
  (key) => ['POST', `/deletedkeys/${key}/recover`, `/keys/${key}`],
  'recover',
  (name) => `await (await client.beginRecoverDeletedKey(${name})).pollUntilDone();`,
);

export const purgeKey = keyForm(
  ...(['purge', 'Purge the key, for good'] as const),
  (key) => ['DELETE', `/deletedkeys/${key}`],
  'purge',
  (name) => `await client.purgeDeletedKey(${name});`,
);

export const switchKey: Form = {
  ...{ id: 'switch', title: 'Enable or disable the newest version' },
  fields: (_, { resource }) => [
    choice(
      'state',
      'The newest version is',
      words('enabled', 'disabled'),
      objectMember(resource, 'attributes')['enabled'] === true ? 'disabled' : 'enabled',
    ),
  ],
  deed: (values, _, thing) => {
    const { host, vault, name } = placeOfKey(thing);
    const enabled = valueOf(values, 'state') === 'enabled';
    return {
      steps: [vaultRequest(host, 'PATCH', `/keys/${encodeURIComponent(name)}`, { attributes: { enabled } })],
      az: [
        command(
          ...['az', 'keyvault', 'key', 'set-attributes', '--vault-name', vault, '--name', name],
          ...['--enabled', String(enabled)],
        ),
      ],
      typescript: keyModule(
        host,
        `await client.updateKeyProperties(${literalText(name)}, { enabled: ${String(enabled)} });`,
      ),
    };
  },
};
