import { describe, expect, it } from 'vitest';
import type { DrillRow } from './drill.ts';
import { drillPage } from './page.ts';

const refused = { kind: 'refused', error: 'ClusterSuspended', status: 503 } as const;
const row: DrillRow = {
  ...{ way: 'keyDeleted', title: 'key <deleted>', bites: 'refusal', bitAfterSeconds: 30, healedAfterSeconds: 10 },
  outcomes: {
    ...{ query: refused, command: refused, ingestion: refused, start: refused, rotate: refused },
    ...{ asyncIngestion: refused, export: refused, runningExport: refused, continuousExport: refused },
    runningQuery: { kind: 'cutOff', error: 'connection closed' },
  },
  problems: [],
};

describe('the page of a drill', () => {
  it('has the latency of each revocation and of healing, and runs nothing', () => {
    const page = drillPage([row], '2026-01-01T00:00:00.000Z');
    expect(page).toContain(
      '<td>key &lt;deleted&gt;</td><td>30 s</td><td>503 Cluster<wbr>Suspended</td><td>cut off</td>',
    );
    expect(page).toContain('<td>10 s</td></tr>');
    expect(page).toContain('class="verdict good"');
    expect(page).not.toMatch(/<script|src=|href=/);
  });

  it('says what was not as it must be', () => {
    const page = drillPage([{ ...row, problems: ['query was served without the key.'] }], '2026-01-01T00:00:00.000Z');
    expect(page).toContain('class="verdict bad"');
    expect(page).toContain('<li>key &lt;deleted&gt;: query was served without the key.</li>');
  });
});
