import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { InstanceStatus } from '../../src/cli/status.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

const script = `
set -u
curl -sv https://packages.example.org/x > /dev/null 2> "$OUT/refused.txt"
curl -s http://packages.example.org/x > "$OUT/refused-body.txt"
curl -s --noproxy '*' "$KUSTODY_CONTROL/readyz"; echo
curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "$KUSTODY_CONTROL/status"; echo
curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "$KUSTODY_CONTROL/metrics"; echo
kustody status > "$OUT/status.txt"; echo "status $?"
kustody status --json > "$OUT/status.json"; echo "json $?"
kustody query --cluster kustody 'print answer = 42' --format json; echo "named $?"
kustody logs --lines 400 > "$OUT/logs.txt"; echo "logs $?"
kustody query --cluster nope 'print 1' 2> "$OUT/nope.txt"; echo "nope $?"
`;

it('shows what runs, and which hosts were refused, where people look', async () => {
  using directory = temporaryDirectory();
  const { stdout, stderr } = await kustody(['run', '--seed', '--', 'sh', '-c', script], { OUT: directory.path });
  expect(stdout.trim().split('\n')).toEqual([
    '{"ready":true}',
    '401',
    '401',
    'status 0',
    'json 0',
    '[',
    '  {',
    '    "answer": 42',
    '  }',
    ']',
    'named 0',
    'logs 0',
    'nope 1',
  ]);
  const text = (name: string): string => readFileSync(join(directory.path, name), 'utf8');
  expect(text('logs.txt')).toMatch(/ info {2}listening {2}port=\d+/);
  expect(text('logs.txt')).toMatch(/ warn {2}foreign host refused {2}host=packages\.example\.org/);
  expect(text('logs.txt')).toMatch(/ info {2}request {2}plane=/);
  expect(text('nope.txt')).toBe("kustody: There is no cluster 'nope'.\n  There are: kustody\n");
  expect(text('refused.txt')).toContain('HTTP/1.1 502 Kustody refuses packages.example.org');
  expect(text('refused-body.txt')).toContain('--allow packages.example.org');
  expect(stderr).toMatch(
    /refused \(--allow HOST lets a foreign one through\):\n {2}packages\.example\.org \(2 times\)\n$/,
  );
  const status = JSON.parse(text('status.json')) as InstanceStatus;
  expect(status).toMatchObject({
    clusters: [{ name: 'kustody', state: 'Running', custody: 'customer' }],
    vaults: [
      {
        name: 'kustody-keys',
        state: 'live',
        keys: [{ name: 'cluster-key', versions: [{ current: true, enabled: true }] }],
      },
    ],
    faults: [],
    refusedHosts: [{ host: 'packages.example.org', why: 'foreign', times: 2 }],
  });
  expect(status.clusters[0]?.databases).toBeUndefined();
  for (const part of ['Clusters', 'Vaults', 'cluster-key', 'packages.example.org', 'Next', 'kustody env --data'])
    expect(text('status.txt')).toContain(part);
});
