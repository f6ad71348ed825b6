import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ChainReport } from '../../src/audit/verify-chain.ts';
import type { ShownEvents } from '../../src/server/audit-routes.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

const script = `
set -u
kustody audit show --vault kustody-keys > "$OUT/show.txt"; echo "show $?"
kustody audit show --operation keyunwrap --last 3 --json > "$OUT/unwraps.json"; echo "unwraps $?"
kustody audit show --operation Microsoft.KeyVault/vaults/write > "$OUT/arm.txt"; echo "arm $?"
kustody audit show --from 2001-01-01T00:00:00Z --to 2001-01-02T00:00:00Z; echo "nothing $?"
kustody audit export --out "$OUT/events.jsonl" 2> "$OUT/export.txt"; echo "export $?"
kustody audit export --out "$OUT/events.jsonl" 2> "$OUT/again.txt"; echo "again $?"
kustody audit export --operation KeyGet > "$OUT/gets.jsonl"; echo "gets $?"
kustody audit verify > "$OUT/verify.txt"; echo "verify $?"
kustody audit verify --json > "$OUT/verify.json"; echo "json $?"
kustody audit verify --known "$(grep -o '[0-9]*:[0-9a-f]*$' "$OUT/verify.txt")" > /dev/null; echo "known $?"
kustody audit verify --known "2:$(printf %064d 0)" > "$OUT/unknown.txt"; echo "unknown $?"
kustody audit verify --known nonsense 2> "$OUT/nonsense.txt"; echo "nonsense $?"
kustody audit show --from 2026-02-01T00:00:00Z --to 2026-01-01T00:00:00Z 2> "$OUT/turned.txt"; echo "turned $?"
kustody audit show --last 0 2> "$OUT/zero.txt"; echo "zero $?"
`;

it('shows, exports and checks what vaults and the resource manager were asked', async () => {
  using directory = temporaryDirectory();
  const { stdout } = await kustody(['run', '--seed', '--', 'sh', '-c', script], { OUT: directory.path });
  expect(stdout.trim().split('\n')).toEqual([
    ...['show 0', 'unwraps 0', 'arm 0', 'There are no such events.', 'nothing 0', 'export 0', 'again 1', 'gets 0'],
    ...['verify 0', 'json 0', 'known 0', 'unknown 3', 'nonsense 1', 'turned 1', 'zero 1'],
  ]);
  const text = (name: string): string => readFileSync(join(directory.path, name), 'utf8');
  for (const part of ['KeyCreate', 'KeyUnwrap', 'https://kustody-keys.vault.azure.net/keys/cluster-key', 'OK'])
    expect(text('show.txt')).toContain(part);
  const { events } = JSON.parse(text('unwraps.json')) as ShownEvents;
  expect(events.length).toBeGreaterThan(0);
  for (const { event } of events) expect(event).toMatchObject({ category: 'AuditEvent', operationName: 'KeyUnwrap' });
  expect(text('arm.txt')).toMatch(/Started[\s\S]*Succeeded: /);

  const lines = text('events.jsonl').trim().split('\n');
  const exported = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(statSync(join(directory.path, 'events.jsonl')).mode & 0o777).toBe(0o600);
  expect(text('export.txt')).toContain(`${lines.length} events are in `);
  expect(text('again.txt')).toContain('is there already');
  expect(new Set(exported.map(({ category }) => JSON.stringify(category)))).toEqual(
    new Set(['"AuditEvent"', '{"value":"Administrative","localizedValue":"Administrative"}']),
  );
  for (const line of text('gets.jsonl').trim().split('\n')) expect(line).toContain('"operationName":"KeyGet"');

  const report = JSON.parse(text('verify.json')) as ChainReport;
  expect(report.findings).toEqual([]);
  expect(report.events).toBeGreaterThanOrEqual(lines.length);
  expect(text('verify.txt')).toContain('nothing was altered, removed, moved or cut off');
  expect(text('unknown.txt')).toContain('NOT AS KNOWN: event 1');
  expect(text('nonsense.txt')).toContain("A point of the log is '{number}:{64 hexadecimal digits}'.");
  expect(text('turned.txt')).toContain('--from is not before --to.');
  expect(text('zero.txt')).toContain('Give a number from 1 to 1000.');
});
