import { isJsonObject, textMember } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { callLocal, localToken, succeeded } from '../server/local-client.ts';

const answerBytesMax = 256 * 1024 * 1024;

/** The rows of the first table of an answer of version 1, by column. @throws Error with the service's own code and message */
export async function queryRows(
  environment: InstanceEnvironment,
  asked: { readonly uri: string; readonly database: string; readonly text: string },
): Promise<readonly Readonly<Record<string, Json>>[]> {
  const isCommand = asked.text.trimStart().startsWith('.');
  const answer = await callLocal(environment, {
    host: new URL(asked.uri).hostname,
    method: 'POST',
    path: isCommand ? '/v1/rest/mgmt' : '/v1/rest/query',
    token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    body: { db: asked.database, csl: asked.text },
    answerBytesMax,
  });
  succeeded(answer);
  const table = arrayMember(answer.value, 'Tables')[0];
  const names = arrayMember(table, 'Columns').map((column) =>
    isJsonObject(column) ? textMember(column, 'ColumnName') : '',
  );
  return arrayMember(table, 'Rows').map((row) => {
    // A query that fails when rows are on their way says so among them.
    if (!Array.isArray(row))
      throw new Error(
        arrayMember(row, 'Exceptions')
          .map((text) => JSON.stringify(text))
          .join('\n'),
      );
    return Object.fromEntries(names.map((name, index) => [name, row[index] ?? null]));
  });
}

function arrayMember(value: unknown, name: string): readonly Json[] {
  const member: unknown = isJsonObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? (member as readonly Json[]) : [];
}
