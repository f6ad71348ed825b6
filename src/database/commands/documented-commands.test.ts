import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { documentedCommands, outcomeFloor, outcomeOf, unanswered } from '../../../tests/support/documented-commands.ts';
import type { Outcome } from '../../../tests/support/documented-commands.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

describe('the commands of the documentation', () => {
  it('are answered, or refused by their name, as many as ever', { timeout: 300_000 }, async () => {
    const ids: Record<Outcome, string[]> = { answered: [], absent: [], refused: [], failed: [] };
    for (const command of documentedCommands) {
      const { outcome, why } = await outcomeOf(cluster, command);
      ids[outcome].push(`${command.id}: ${why}`);
    }
    expect(ids.answered.length, JSON.stringify(ids.absent, undefined, 1)).toBeGreaterThanOrEqual(outcomeFloor.answered);
    const others = [...ids.absent, ...ids.refused, ...ids.failed].map((text) => text.split(': ')[0]);
    expect(others.toSorted(), 'vectors/commands/unanswered.json').toEqual(Object.keys(unanswered).toSorted());
    expect(ids.failed.length, JSON.stringify(ids.failed, undefined, 1)).toBeLessThanOrEqual(outcomeFloor.failed);
  });

  it.each([
    '.show external table T policy query_acceleration',
    ".dup-next-ingest into T to h@'https://contoso.blob.core.windows.net/c;key'",
  ])(
    '%s is refused by its name: of what is not built nothing is listed, and nothing in it is looked up',
    async (text) => {
      await expect(cluster.run(text)).rejects.toMatchObject({
        code: 'notSupported',
        message: expect.stringMatching(
          /^The management command '\..+' (\(\w+\) )?is not supported: .* (not|data)/,
        ) as string,
      });
    },
  );
});
