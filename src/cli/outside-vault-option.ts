import { Option } from 'commander';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { isJsonObject } from '../base/json.ts';
import type { HostName } from '../base/names.ts';
import { parseHostName } from '../base/names.ts';
import type { OutsideVault, VaultAccount } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import {
  defaultAuthorityHost,
  parseOutsideHost,
  rootKeyIdentity,
} from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import type { OutsideRoute } from '../cluster/messages/vault-calls.ts';
import { readPrivateFile } from './private-file.ts';
import { UserError } from './user-error.ts';

/** What `HOST=…` says, before anything of it is read. */
export interface OutsideVaultOption {
  readonly host: HostName;
  readonly from: { readonly kind: 'env'; readonly prefix: string } | { readonly kind: 'file'; readonly path: string };
}

export const outsideVaultOption = (): Option =>
  new Option(
    '--vault <HOST=SOURCE>',
    'a vault outside of Kustody with its credential: HOST=file:PATH (JSON, mode 0600) or HOST=env:PREFIX (repeatable)',
  )
    .argParser((text: string, before: readonly OutsideVaultOption[]) => [...before, parseOption(text)])
    .default([], 'none');

const syntax =
  'Write contoso.vault.azure.net=file:PATH, or contoso.vault.azure.net=env:PREFIX. The page docs/outside-vaults.md says what they hold.';

function parseOption(text: string): OutsideVaultOption {
  const [, hostText = '', kind, rest = ''] = /^([^=]+)=(env|file):(.+)$/.exec(text) ?? [];
  const host = parseOutsideHost(hostText);
  // Not repeated: it may be a secret that was given in the wrong place.
  if (kind === undefined) throw new UserError('--vault needs a host and a source.', syntax);
  if (host === undefined) throw new UserError(`'${hostText}' is not the host name of a vault.`, syntax);
  if (kind === 'file') return { host, from: { kind, path: resolve(rest) } };
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(rest))
    throw new UserError('The PREFIX of --vault is no name of variables.', syntax);
  return { host, from: { kind: 'env', prefix: rest } };
}

/** One row a member: its name in a file, and behind `PREFIX_` in the environment. */
const members = {
  tenantId: 'TENANT_ID',
  clientId: 'CLIENT_ID',
  clientSecret: 'CLIENT_SECRET',
  clientCertificatePath: 'CLIENT_CERTIFICATE_PATH',
  clientCertificatePassword: 'CLIENT_CERTIFICATE_PASSWORD',
  authorityHost: 'AUTHORITY_HOST',
  caFile: 'CA_FILE',
  proxy: 'PROXY',
  identities: 'IDENTITIES',
} as const;
type Member = keyof typeof members;
type Sent = { readonly [Name in Member]?: string };

/** Reads the credentials. What comes from the environment is taken out of it, so that no child inherits it.
 * @throws UserError that names what is wrong, never a value that could be secret */
export function readOutsideVaults(
  options: readonly OutsideVaultOption[],
  env: NodeJS.ProcessEnv,
): readonly OutsideVault[] {
  const taken = new Map<string, Sent>();
  const sentBy = (prefix: string): Sent => {
    const sent = taken.get(prefix) ?? takeFromEnvironment(prefix, env); // it may stand for several vaults
    taken.set(prefix, sent);
    return sent;
  };
  const vaults = options.map(({ host, from }) => {
    const where = from.kind === 'env' ? `${from.prefix}_*` : from.path;
    const sent = from.kind === 'env' ? sentBy(from.prefix) : readCredentialFile(from.path);
    return outsideVault(host, sent, new Source(host, where));
  });
  for (const [at, vault] of vaults.entries()) requireOneMeaning(vault, vaults.slice(0, at));
  return vaults;
}

/** What is said of a wrong member. */
class Source {
  constructor(
    readonly host: string,
    readonly where: string,
  ) {}

  wrong(what: string): UserError {
    return new UserError(`The credential of ${this.host} (${this.where}): ${what}.`, syntax);
  }
}

function outsideVault(host: HostName, sent: Sent, source: Source): OutsideVault {
  const authorityHost = sent.authorityHost === undefined ? defaultAuthorityHost : authorityHostOf(sent.authorityHost);
  if (authorityHost === undefined) throw source.wrong('authorityHost is not https:// and a host name');
  const identities = identitiesOf(sent.identities, source);
  return {
    host,
    account: {
      tenantId: guidOf(sent, 'tenantId', source),
      clientId: guidOf(sent, 'clientId', source),
      proof: proofOf(sent, source),
      authorityHost,
      ...(identities === undefined ? {} : { identities }),
    },
    route: routeOf(sent, source),
  };
}

function guidOf(sent: Sent, member: 'tenantId' | 'clientId', source: Source): Guid {
  const guid = parseGuid((sent[member] ?? '').toLowerCase());
  if (guid === undefined) throw source.wrong(`${member} is not a GUID`);
  return guid;
}

function proofOf(sent: Sent, source: Source): VaultAccount['proof'] {
  const { clientSecret, clientCertificatePath, clientCertificatePassword } = sent;
  if ((clientSecret === undefined) === (clientCertificatePath === undefined))
    throw source.wrong('it needs either clientSecret or clientCertificatePath');
  if (clientSecret !== undefined) return { kind: 'secret', secret: clientSecret };
  const pem = readPrivateFile(clientCertificatePath ?? '', (what) => source.wrong(what));
  if (!/-----BEGIN CERTIFICATE-----/.test(pem) || !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw source.wrong('the file of clientCertificatePath is no PEM with a certificate and its private key');
  return {
    kind: 'certificate',
    pem,
    ...(clientCertificatePassword === undefined ? {} : { password: clientCertificatePassword }),
  };
}

function authorityHostOf(text: string): HostName | undefined {
  const [, host = ''] = /^(?:https:\/\/)?([^/:?#@\s]+)\/?$/i.exec(text) ?? [];
  return parseHostName(host);
}

function routeOf({ caFile, proxy }: Sent, source: Source): OutsideRoute {
  return {
    ...(caFile === undefined ? {} : { ca: authoritiesIn(caFile, source) }),
    ...(proxy === undefined ? {} : { proxy: proxyOf(proxy, source) }),
  };
}

/** A broken file would otherwise be an authority that nobody has. */
function authoritiesIn(path: string, source: Source): string {
  try {
    const pem = readFileSync(path, 'utf8');
    for (const certificate of pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? ['']) {
      new X509Certificate(certificate);
    }
    return pem;
  } catch {
    throw source.wrong('caFile cannot be read as PEM certificates');
  }
}

function proxyOf(text: string, source: Source): NonNullable<OutsideRoute['proxy']> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === 'http:' && url.username === '' && url.password === '' && url.pathname === '/';
  if (url === undefined || !isPlain || url.hostname === '')
    throw source.wrong('proxy is not http://HOST:PORT (proxies over TLS, or with a password, are not built)');
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
}

const identityPattern =
  /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+\/providers\/(microsoft\.managedidentity\/userassignedidentities|microsoft\.kusto\/clusters)\/[^/]+$/;

function identitiesOf(text: string | undefined, source: Source): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const ids = text.split(',').map((id) => id.trim().toLowerCase());
  if (ids.some((id) => id !== rootKeyIdentity && !identityPattern.test(id)))
    throw source.wrong(`identities are resource ids of user-assigned identities or clusters, or ${rootKeyIdentity}`);
  return ids;
}

/** One host is reached in one way, and an identity comes to it as one account. */
function requireOneMeaning(vault: OutsideVault, before: readonly OutsideVault[]): void {
  for (const other of before.filter(({ host }) => host === vault.host)) {
    if (JSON.stringify(other.route) !== JSON.stringify(vault.route))
      throw new UserError(`The credentials of ${vault.host} name different proxies or CA files.`);
    const [own, others] = [vault.account.identities, other.account.identities];
    if (own === undefined ? others === undefined : others !== undefined && own.some((id) => others.includes(id)))
      throw new UserError(
        `Two credentials of ${vault.host} stand for the same identities.`,
        'Say in identities which stands for which.',
      );
  }
}

function takeFromEnvironment(prefix: string, env: NodeJS.ProcessEnv): Sent {
  const found: { [Name in Member]?: string } = {};
  for (const [member, suffix] of Object.entries(members) as [Member, string][]) {
    const variable = `${prefix}_${suffix}`;
    const value = env[variable];
    Reflect.deleteProperty(env, variable);
    if (value !== undefined && value !== '') found[member] = value;
  }
  return found;
}

function readCredentialFile(path: string): Sent {
  const source = new Source('a vault', path);
  let value: unknown;
  try {
    value = JSON.parse(readPrivateFile(path, (what) => source.wrong(what)));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw source.wrong('it is not JSON'); // the parser's own words would show a piece of it
  }
  if (!isJsonObject(value)) throw source.wrong('it is not a JSON object');
  const found: { [Name in Member]?: string } = {};
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(members, name)) throw source.wrong(`it has an unknown member '${name.slice(0, 40)}'`);
    const isList = name === 'identities' && Array.isArray(member);
    const text = isList ? member.map(String).join(',') : member;
    if (typeof text !== 'string' || text === '') throw source.wrong(`${name} is not a text`);
    found[name as Member] = text;
  }
  return found;
}
