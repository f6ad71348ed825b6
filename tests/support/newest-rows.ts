import { readResult } from '../../src/database/commands/command-pipe.ts';
import { queryRequest } from '../../src/database/commands/query-request.ts';
import type { Answer, CommandFixture } from './command-fixture.ts';

/** Commands and queries over the data as it is opened now, also after it was ended in the middle. */
export const onNewest = (cluster: () => CommandFixture) => ({
  run: async (text: string): Promise<Answer> => cluster().run(text, { data: await cluster().data.data() }),
  /** Each row as text, its values with commas between. */
  rowsOf: async (text: string): Promise<readonly string[]> => {
    const context = { ...cluster().context, data: await cluster().data.data() };
    const { rows } = await readResult(await cluster().engine.execute(queryRequest(context, text)));
    return rows.map((row) => row.map(String).join());
  },
});
