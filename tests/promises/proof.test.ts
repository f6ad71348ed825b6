import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProofReport } from '../../src/cli/proof/report.ts';
import { kustody, temporaryDirectory, withoutProgress } from '../support/kustody-command.ts';

// One instance, spoken to by the commands as a user would; each writes what it said into a directory.
const script = `
set -u
q() { kustody query "$1" --format csv > /dev/null || exit 9; }
q '.create table T (A:long, B:string)'
q '.create table Empty (A:long)'
q '.set-or-append T <| range A from 1 to 500 step 1 | extend B = "canary-of-row"'
q '.set-or-append T <| range A from 1 to 20 step 1 | extend B = "canary-of-row"'
key=https://kustody-keys.vault.azure.net/keys/cluster-key
kustody proof --json --canary canary-of-row --html "$OUT/good.html" > "$OUT/good.json"; echo "proof $?"
kustody proof verify "$OUT/good.json" > "$OUT/verified.txt"; echo "valid $?"
kustody proof verify "$OUT/good.json" --fingerprint "$(kustody proof key | sed -n 's/^fingerprint //p')" > /dev/null; echo "ours $?"
sed 's/"rowCount": 5[0-9]*/"rowCount": 4/' "$OUT/good.json" > "$OUT/forged.json"
kustody proof verify "$OUT/forged.json" > "$OUT/forged.txt"; echo "forged $?"
kustody proof --canary zebra-nobody-wrote > "$OUT/nowhere.txt"; echo "nowhere $?"
kustody lineage $key --json > "$OUT/lineage.json"; echo "lineage $?"
for wrong in $key/00000000000000000000000000000000 https://kustody-keys.vault.azure.net/keys/cluster-kay https://kustody-keyz.vault.azure.net/keys/cluster-key; do
  kustody lineage $wrong >> "$OUT/unknown.txt" 2>&1; echo "unknown $?"
done
kustody lineage nonsense 2> "$OUT/nonsense.txt"; echo "nonsense $?"
kustody extent list --json > "$OUT/extents.json"; echo "list $?"
id=$(sed -n 's/.*"extentId": "\\(.*\\)".*/\\1/p' "$OUT/extents.json" | head -1)
kustody extent export $id --out "$OUT/extent.bin" > /dev/null; echo "export $?"
dek=$(sed -n 's/.*"dekId": "\\(.*\\)".*/\\1/p' "$OUT/extents.json" | head -1)
cmp "$OUT/extent.bin" "$(find "$KUSTODY_DATA_DIR/extents" -name "$dek*")"; echo "same $?"
kustody extent export 00000000-0000-4000-8000-000000000000 --out "$OUT/none.bin" 2> /dev/null; echo "missing $?"
printf 'x canary-of-row' | base64 > "$KUSTODY_DATA_DIR/leak"
kustody proof --json --canary canary-of-row --html "$OUT/bad.html" > "$OUT/bad.json"; echo "leak $?"
`;

describe('kustody proof, lineage and extent', () => {
  it('tell which key opens what, and find what lies in the clear', async () => {
    using directory = temporaryDirectory();
    const { stdout, stderr } = await kustody(['run', '--seed', '--', 'sh', '-c', script], { OUT: directory.path });
    expect(withoutProgress(stderr)).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      ...[
        'proof 0',
        ...['valid 0', 'ours 0', 'forged 1'],
        'nowhere 1',
        'lineage 3',
        ...['unknown 1', 'unknown 1', 'unknown 1'],
        'nonsense 1',
        'list 0',
        'export 0',
        'same 0',
        'missing 1',
        'leak 1',
      ],
    ]);
    const text = (name: string): string => readFileSync(join(directory.path, name), 'utf8');
    const good = JSON.parse(text('good.json')) as ProofReport;
    const [cluster] = good.clusters;
    expect(cluster).toMatchObject({ name: 'kustody', custody: 'customer', generation: 1, state: 'Running' });
    expect(cluster?.kid).toMatch(/^https:\/\/kustody-keys\.vault\.azure\.net\/keys\/cluster-key\/[0-9a-f]{32}$/);
    const tables = cluster?.databases?.find(({ name }) => name === 'db')?.tables ?? [];
    const rows = tables.flatMap(({ extents, loggedRows }) => [loggedRows, ...extents.map(({ rowCount }) => rowCount)]);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(520);
    expect(good).toMatchObject({ ok: true, rootKey: 'besideTheData' });
    expect(good.scan.files).toBeGreaterThan(5);
    expect((JSON.parse(text('lineage.json')) as ProofReport).clusters).toHaveLength(1);
    expect(good.controls).toEqual([{ canary: 'canary-of-row', table: 'kustody/db.T', rows: 520 }]);
    expect(text('verified.txt')).toContain('is as it was signed.');
    expect(text('forged.txt')).toMatch(/^NOT VALID: .*was changed after it was signed/);
    expect(good.keyUses).toContainEqual(
      expect.objectContaining({ operation: 'KeyUnwrap', kid: cluster?.kid, result: 'OK' }) as unknown,
    );
    expect(
      good.keyUses.every(({ kid }) => kid.startsWith('https://kustody-keys.vault.azure.net/keys/cluster-key')),
    ).toBe(true);
    expect(good.custody).toContainEqual(
      expect.objectContaining({ step: 'first used', key: cluster?.kid.replace(/\/[^/]*$/, '') }) as unknown,
    );
    expect(text('nowhere.txt')).toContain("NOT SHOWN: no row that can be queried now holds 'zebra-nobody-wrote'");
    expect(text('unknown.txt')).toMatch(
      /has no version 0{32}\.\n {2}There is: [0-9a-f]{32}\n.*has no key 'cluster-kay'\.\n {2}There is: cluster-key\n.*no vault 'kustody-keyz'\.\n {2}There is: kustody-keys/,
    );
    expect(text('nonsense.txt')).toMatch(/is no key identifier/);
    expect(JSON.parse(text('extent.bin.encryptiondata.json'))).toMatchObject({
      WrappedContentKey: { Algorithm: 'A256KW' },
      EncryptionAgent: { Protocol: '2.0' },
    });
    const bad = JSON.parse(text('bad.json')) as ProofReport;
    expect(bad.scan.matches).toMatchObject([
      { file: join(bad.dataDirectory, 'leak'), form: 'base64', canary: 'canary-of-row' },
    ]);
    for (const page of [text('good.html'), text('bad.html')]) {
      expect(page).not.toMatch(/<script|<link|<img|src=|href=|@import|url\(/);
      expect(page).toContain('What this does not prove');
      for (const limit of good.limits) expect(page).toContain(limit.replaceAll("'", '&#39;'));
    }
    expect(text('bad.html')).toContain('class="verdict bad"');
  });
});

describe('the limits', () => {
  it('are those of the README', async () => {
    const { limits } = await import('../../src/cli/proof/limits.ts');
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
      .replaceAll(/[*`]/g, '')
      .replaceAll(/\s+/g, ' ');
    const shared = limits.filter((limit) => readme.includes(limit));
    expect(shared).toHaveLength(5);
  });
});
