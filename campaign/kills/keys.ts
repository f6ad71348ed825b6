import { randomInt } from 'node:crypto';
import type { Json } from '../../src/base/json.ts';
import type { Found, Ledger } from './ledger.ts';
import { there } from './ledger.ts';
import type { LiveServer } from './live-server.ts';
import type { Doing, Lane, Work } from './work.ts';
import { isLost } from './work.ts';

/** Making one takes longest of all, and each is looked for after each kill. */
const versionsAtOnce = 1;

async function versionsOf(server: LiveServer): Promise<readonly string[]> {
  const found: string[] = [];
  for (let next: string | undefined = `/keys/${server.key.keyName}/versions`; next !== undefined;) {
    const { value } = await server.vault('GET', next);
    const page = value as { readonly value: { readonly kid: string }[]; readonly nextLink?: string | null };
    found.push(...page.value.map(({ kid }) => versionIn(kid)));
    next = typeof page.nextLink === 'string' ? withoutVersion(page.nextLink) : undefined;
  }
  return found;
}

const versionIn = (kid: string): string => kid.slice(kid.lastIndexOf('/') + 1);

function withoutVersion(link: string): string {
  const { pathname, searchParams } = new URL(link);
  searchParams.delete('api-version');
  return `${pathname}?${searchParams.toString()}`;
}

/** Versions of the customer's key, in its vault. */
export const keyVersions: Work = {
  noun: 'key version',
  kinds: ['key versions'],
  lanes: (server, ledger, doing) => {
    let made = 0;
    const once = async (): Promise<void> => {
      if (made === versionsAtOnce) return;
      made += 1;
      await doing('key versions', async () => {
        const path = `/keys/${server.key.keyName}/create`;
        const { value } = await server.vault('POST', path, { kty: 'RSA', key_size: 2048 });
        ledger.took(versionIn((value as { key: { kid: string } }).key.kid), there);
      });
    };
    return [{ kinds: ['key versions'], once }];
  },
  found: async (server, ledger) => {
    const known = new Set(ledger.in(there));
    // Names are given by the vault: nobody knows them of one that was not acknowledged.
    return new Map((await versionsOf(server)).filter((name) => known.has(name)).map((name) => [name, there]));
  },
  losses: [isLost],
};

const name = 'of the cluster';
const microsoftManaged = 'Microsoft-managed';
const latest = 'the latest version';

/** Which key the cluster is under: rotated to another version of the customer's, and changed to Microsoft's and back. */
export const clusterKey: Work = {
  noun: 'key',
  kinds: ['rotation', 'change of custody'],
  setUp: (_server, ledger) => {
    ledger.settle(name, latest);
    return Promise.resolve();
  },
  lanes: (server, ledger, doing) => [keyLane(server, ledger, doing)],
  found,
  losses: [/ is .*, not /],
};

function keyLane(server: LiveServer, ledger: Ledger, doing: Doing): Lane {
  let versions: readonly string[] = [];
  const use = (state: string): Promise<unknown> => {
    const keyVersion = state === latest ? '' : state;
    const customer = { ...server.key, keyVersion, userIdentity: server.identity };
    const keyVaultProperties: Json = state === microsoftManaged ? null : customer;
    return server.arm('PATCH', server.cluster, 'kusto', { properties: { keyVaultProperties } });
  };
  return {
    kinds: ['rotation', 'change of custody'],
    changesCluster: true,
    once: async () => {
      if (versions.length === 0) versions = await versionsOf(server);
      const isCustomers = ledger.in(microsoftManaged).length === 0;
      if (isCustomers && randomInt(2) === 0)
        return doing('change of custody', () => ledger.change(name, microsoftManaged, () => use(microsoftManaged)));
      const others = [latest, ...versions].filter((version) => ledger.in(version).length === 0);
      const next = others[randomInt(others.length)] ?? latest;
      return doing(isCustomers ? 'rotation' : 'change of custody', () => ledger.change(name, next, () => use(next)));
    },
  };
}

/** As the resource manager has it and as the key record has it. */
async function found(server: LiveServer): Promise<Found> {
  const [{ value }, checked] = await Promise.all([
    server.arm('GET', server.cluster, 'kusto'),
    server.control('POST', '/check-keys'),
  ]);
  const { properties } = value as { properties: { keyVaultProperties: { keyVersion: string | null } | null } };
  const [key] = (checked as { clusters: { kid: string; custody: string; suspended: boolean; reason?: string }[] })
    .clusters;
  const sent = properties.keyVaultProperties;
  return new Map([[name, stateOf(sent, key)]]);
}

function stateOf(
  sent: { readonly keyVersion: string | null } | null,
  key:
    | { readonly kid: string; readonly custody: string; readonly suspended: boolean; readonly reason?: string }
    | undefined,
): string {
  if (key === undefined) return 'without a record';
  if (key.suspended) return `suspended (${key.reason ?? ''})`;
  const isCustomers = sent !== null;
  if (isCustomers !== (key.custody === 'customer')) return `${key.custody} while the resource says otherwise`;
  if (!isCustomers) return microsoftManaged;
  const version = sent.keyVersion ?? '';
  if (version === '') return latest;
  return versionIn(key.kid) === version ? version : `${versionIn(key.kid)} while the resource says ${version}`;
}
