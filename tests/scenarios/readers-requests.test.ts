import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { answers, countOf, kustoRequest, newPrincipal, openReadingNodes } from '../support/reading-nodes.ts';
import { until } from '../support/until.ts';

/** It takes minutes, unless it is ended. */
const slow =
  'range a from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(hash(a * b, 7))';

describe.skipIf(!hasPostgres)('requests that run on a node that stands by and reads', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  /** Rows of a command by the names of its columns. */
  async function shown(cluster: LiveCluster, command: string, token?: string) {
    const { text } = await kustoRequest(cluster, command, {
      path: '/v1/rest/mgmt',
      ...(token !== undefined && { token }),
    });
    const { Tables: [table] = [] } = JSON.parse(text) as {
      Tables?: { Columns: { ColumnName: string }[]; Rows: unknown[][] }[];
    };
    return (table?.Rows ?? []).map((row) =>
      Object.fromEntries(row.map((value, index) => [table?.Columns[index]?.ColumnName ?? '', value])),
    );
  }
  const withId = (rows: readonly Record<string, unknown>[], id: string) =>
    rows.filter((row) => row['ClientActivityId'] === id);

  it('are shown and ended like all others, wherever that is asked for, by whoever may', async () => {
    await using opened = await openReadingNodes(server, azurite, 'requests');
    const { west, writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await answers(reader);
    expect(opened.readHere()).toBeGreaterThan(0);

    const viewer = await newPrincipal(writer.environment);
    await writer.command(`.add database ['${defaultSeed.database}'] viewers ('${viewer.fqn}')`);
    for (const [asked, id] of [
      [reader, 'slow;1'],
      [writer, 'slow;2'],
    ] as const) {
      const running = kustoRequest(reader, slow, { id });
      await until(async () => withId(await shown(asked, '.show running queries'), id).length === 1);
      expect(withId(await shown(asked, '.show queries'), id)).toMatchObject([{ State: 'InProgress', Text: slow }]);
      expect(withId(await shown(asked, '.show queries', viewer.token), id)).toEqual([]);
      // Others may not end it.
      expect(await shown(asked, `.cancel query "${id}"`, viewer.token)).toMatchObject([{ Status: 'NotFound' }]);
      expect(await shown(asked, `.cancel query "${id}"`)).toMatchObject([{ Status: 'Cancelled' }]);
      expect((await running).text).toContain('cancel');
      await until(async () => withId(await shown(asked, '.show running queries'), id).length === 0);
      expect(withId(await shown(asked, '.show queries'), id)).toMatchObject([{ State: 'Cancelled' }]);
      expect(withId(await shown(asked, '.show commands-and-queries'), id)).toMatchObject([
        { State: 'Cancelled', CommandType: 'Query' },
      ]);
    }

    // What has ended is known as soon as it has, and each once.
    for (let n = 0; n < 20; n += 1)
      await kustoRequest(reader, `T | where N == ${n} | count`, { id: `ended;${n}`, token: viewer.token });
    const theirs = (await shown(writer, '.show queries', viewer.token)).filter(({ User: user }) => user !== '');
    expect(theirs.map((row) => row['ClientActivityId']).filter((id) => String(id).startsWith('ended;'))).toEqual(
      Array.from({ length: 20 }, (_, n) => `ended;${19 - n}`),
    );
    const [last] = withId(theirs, 'ended;19');
    expect(last).toMatchObject({ State: 'Completed', Database: defaultSeed.database, WorkloadGroup: 'default' });
    expect(String(last?.['Text'])).toContain('T | where N == 19');
    // They stay when the process is gone that answered them.
    for (const pid of descendantsOf(west.process.pid ?? 0)) process.kill(pid, 'SIGKILL');
    expect(withId(await shown(writer, '.show queries'), 'ended;19')).toHaveLength(1);
    await answers(reader);
    expect(await countOf(reader)).toBe(0);
  });

  it('of a workload group with limits are counted with all others of it', async () => {
    await using opened = await openReadingNodes(server, azurite, 'counted');
    const { writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await answers(reader);
    const one = {
      ...{ IsEnabled: true, Scope: 'WorkloadGroup', LimitKind: 'ConcurrentRequests' },
      Properties: { MaxConcurrentRequests: 1 },
    };
    const limited = (limits: unknown[]) =>
      writer.command(
        `.alter-merge workload_group default \`\`\`${JSON.stringify({ RequestRateLimitPolicies: limits })}\`\`\``,
      );
    await limited([one]);
    const running = kustoRequest(writer, slow, { id: 'slow' });
    await until(async () => withId(await shown(writer, '.show running queries'), 'slow').length === 1);
    expect(await reader.queryStatus('T | count')).toBe(429);
    await limited([{ ...one, Properties: { MaxConcurrentRequests: 2 } }]);
    expect(await reader.queryStatus('T | count')).toBe(200);
    await shown(writer, '.cancel query "slow"');
    expect((await running).status).toBe(400);
  });
});
