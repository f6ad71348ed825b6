import { textOf } from '../sql/fragment.ts';
import * as macros from '../sql/macros.ts';

/** What an engine database begins with, functions in JavaScript aside: our macros, of which each is of a higher level than those in it, and
 * settings that cannot be changed afterwards. One text: half of what the statements cost one by one is asking.
 * @param limitsChange whether memory and threads may be other ones later */
export function setupSql(limitsChange: boolean): string {
  const definitions = Object.values(macros).map(({ definition }) => definition);
  return [
    'BEGIN',
    ...definitions
      .sort((a, b) => a.level - b.level)
      .map(({ name, parameters, body }) => `CREATE MACRO ${name}(${parameters.join(', ')}) AS (${textOf(body)})`),
    'COMMIT',
    `SET allowed_directories=['/proc/self/fd/']`,
    'SET enable_external_access=false',
    'SET enable_external_file_cache=false',
    ...(limitsChange ? [`SET allowed_configs=['memory_limit','threads']`] : []),
    'SET lock_configuration=true',
  ].join(';\n');
}
