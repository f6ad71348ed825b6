import { afterAll, beforeAll, beforeEach } from 'vitest';
import { readResult } from '../../src/database/commands/command-pipe.ts';
import type { CommandContext } from '../../src/database/commands/command-context.ts';
import { queryRequest } from '../../src/database/commands/query-request.ts';
import type { Answer, CommandFixture } from './command-fixture.ts';
import { openCommandFixture } from './command-fixture.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { memoryStorage } from './memory-storage.ts';

/** A container in the storage of the user. */
export const box = 'https://acc.blob.core.windows.net/box';

/** A cluster for all tests of a file, and storage of the user's, in memory, for each. */
export interface StoredCommands {
  readonly cluster: () => CommandFixture;
  readonly storage: () => MemoryStorage;
  readonly run: (text: string, change?: Partial<CommandContext>) => Promise<Answer>;
  /** @returns rows of a query */
  readonly query: (text: string, change?: Partial<CommandContext>) => Promise<readonly (readonly unknown[])[]>;
}

/** To be called once, where the tests of a file begin. */
export function storedCommands(): StoredCommands {
  let cluster: CommandFixture;
  let storage: MemoryStorage;
  beforeAll(async () => {
    cluster = await openCommandFixture();
  });
  afterAll(() => cluster.close());
  beforeEach(() => {
    storage = memoryStorage();
  });
  const withStorage = (change: Partial<CommandContext>): CommandContext => ({
    ...{ ...cluster.context, exports: storage.exports, sourceOf: storage.sourceOf },
    ...change,
  });
  return {
    cluster: () => cluster,
    storage: () => storage,
    run: (text, change = {}) => cluster.run(text, withStorage(change)),
    query: async (text, change = {}) => {
      const execution = await cluster.engine.execute(queryRequest(withStorage(change), text));
      try {
        return (await readResult(execution)).rows;
      } finally {
        execution.close();
      }
    },
  };
}
