import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ShownEvents } from '../../src/server/audit-routes.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

const script = `
set -u
kustody query '.show databases | project DatabaseName' --format csv > "$OUT/before.csv"; echo "before $?"
kustody audit connect --database audit --once > "$OUT/first.txt"; echo "first $?"
kustody audit connect --database audit --once > "$OUT/second.txt"; echo "second $?"
vault=$(kustody query --database audit 'AZKVAuditLogs | where Id has "kustody-keys" | take 1 | project tolower(_ResourceId)' --format csv | tail -1 | tr -d '\\r')
kustody audit connect --database one-vault --source "$vault" --once > "$OUT/vault.txt"; echo "vault $?"
kustody query --database one-vault 'union AzureActivity, AZKVAuditLogs | summarize by Type = iff(isempty(OperationNameValue), "vault", "activity"), Id = tolower(_ResourceId) | project strcat(Type, " ", Id)' --format csv > "$OUT/of-vault.csv"; echo "$vault" > "$OUT/vault-id.txt"
node "$CLIENT" > "$OUT/asked.json" 2> "$OUT/asked.txt"; echo "asked $?"
kustody audit show --operation KeyUpdate --json > "$OUT/after.json"; echo "show $?"
kustody audit verify > /dev/null; echo "verify $?"
kustody audit connect --database audit --once 2> "$OUT/refused.txt"; echo "refused $?"
kustody audit connect --database audit --source kustody-keys 2> "$OUT/no-id.txt"; echo "no id $?"
`;

interface Asked {
  readonly clientId: string;
  readonly name: string;
  readonly used: readonly { readonly Who: string; readonly Key: string; readonly Times: number }[];
  readonly made: readonly { readonly Caller: string; readonly Statuses: readonly string[] }[];
  readonly total: readonly { readonly Rows: number; readonly Events: number }[];
  readonly revoked: string;
}

it('copies events into a database where it was asked to, each once, for whoever asks in KQL; the original stays readable without the key of that cluster', async () => {
  using directory = temporaryDirectory();
  const { stdout } = await kustody(['run', '--seed', '--', 'sh', '-c', script], {
    OUT: directory.path,
    CLIENT: join(import.meta.dirname, 'audit-connect.client.mjs'),
  });
  const text = (name: string): string => readFileSync(join(directory.path, name), 'utf8');
  expect(text('asked.txt')).toBe('');
  expect(stdout.trim().split('\n')).toEqual([
    ...['before 0', 'first 0', 'second 0', 'vault 0', 'asked 0', 'show 0', 'verify 0', 'refused 1', 'no id 1'],
  ]);
  expect(text('before.csv').trim().split('\n').slice(1)).toEqual(['db']);

  const countOf = (file: string, table: string): number =>
    Number(new RegExp(`(\\d+) events into ${table}`).exec(text(file))?.[1]);
  expect(countOf('first.txt', 'AZKVAuditLogs')).toBeGreaterThan(5);
  expect(countOf('first.txt', 'AzureActivity')).toBeGreaterThan(5);
  const ids = text('of-vault.csv').trim().split(/\r?\n/).slice(1);
  const vaultId = text('vault-id.txt').trim();
  expect(ids).toContain(`vault ${vaultId}`);
  expect(ids).toContain(`activity ${vaultId}`);
  expect(ids.filter((id) => !`${id.split(' ')[1] ?? ''}/`.startsWith(`${vaultId}/`))).toEqual([]);

  const asked = JSON.parse(text('asked.json')) as Asked;
  expect(asked.used.map(({ Key }) => Key)).toContain(asked.name);
  for (const { Who, Times } of asked.used) {
    expect(Who).toMatch(/^[0-9a-f-]{36}$/);
    expect(Times).toBeGreaterThan(0);
  }
  expect(asked.made).toContainEqual(
    expect.objectContaining({ Caller: asked.clientId, Statuses: expect.arrayContaining(['Started']) as unknown }),
  );
  const [total] = asked.total;
  expect(total?.Rows).toBeGreaterThan(10);
  expect(total?.Rows).toBe(total?.Events);
  expect(asked.revoked).not.toBe('answered');
  const { events } = JSON.parse(text('after.json')) as ShownEvents;
  expect(events.at(-1)?.event).toMatchObject({ operationName: 'KeyUpdate', resultSignature: 'OK' });
  expect(text('no-id.txt')).toContain("'kustody-keys' is no resource id.");
  expect(text('refused.txt')).toMatch(/^kustody: /);
});
