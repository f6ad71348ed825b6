/** What the service calls a management command, in `CommandType` of its answers and refusals: the object first, then the verb, as in
 * `TableCreate`, `RetentionPolicyAlter`, `FunctionCreateOrAlter`, `TableSetOrAppend` and `DataIngestPull`, which are documented.
 * Names that no page shows are built the same way. Only the first words are read.
 * @see Kusto ".execute database script", "Capacity policy", "Request rate limit policy" */
export function commandTypeOf(text: string): string {
  const [verb = '', ...words] = wordsOf(text);
  if (verb === 'ingest') return 'DataIngestPull';
  if (verb === 'export') return 'DataExport';
  if (isIngestionCommand(text)) return `Table${pascal(verb)}`;
  const at = words.indexOf('policy', 1);
  const policy = at < 0 ? undefined : words[at + 1];
  const object = policy === undefined ? pascal(words[0] ?? '') : `${policyNames[policy] ?? pascal(policy)}Policy`;
  return `${object}${verbNames[verb] ?? pascal(verb)}`;
}

/** The longest command that nobody knows is named by its first words. */
export function commandName(text: string): string {
  const words = /^(?:\s|\/\/[^\n]*\n)*\.?((?:\s*[\p{L}_][\p{L}\p{N}_-]*){1,4})/u.exec(text)?.[1] ?? '';
  return `.${words.trim().replace(/\s+/g, ' ').slice(0, 80)}`;
}

/** What counts against the capacity of ingestions: rows from a query, from the text, or from storage. Stored query results do not. */
export function isIngestionCommand(text: string): boolean {
  const [verb = '', object] = wordsOf(text);
  return verb === 'ingest' || (appendVerbs.has(verb) && object !== 'stored_query_result' && text.includes('<|'));
}

/** What counts against the capacity of exports. */
export const isExportCommand = (text: string): boolean => wordsOf(text)[0] === 'export';

/** What changes the limits of requests must not be kept out by them: a limit of 0 could never be taken back. */
export function isWorkloadGroupCommand(text: string): boolean {
  const [, object = '', policy, name] = wordsOf(text);
  return (
    /^workload_groups?$/.test(object) ||
    (object === 'cluster' && policy === 'policy' && name === 'request_classification')
  );
}

const appendVerbs = new Set(['set', 'append', 'set-or-append', 'set-or-replace']);

const verbNames: Readonly<Record<string, string>> = { 'create-merge': 'Create', 'alter-merge': 'Alter' };

const policyNames: Readonly<Record<string, string>> = {
  streamingingestion: 'StreamingIngestion',
  ingestionbatching: 'IngestionBatching',
  ingestiontime: 'IngestionTime',
  roworder: 'RowOrder',
};

const headUnitsMax = 1_000;
const wordsMax = 12;

/** The first words, in lower case, without comments before them and without what stands in brackets or quotes. */
function wordsOf(text: string): readonly string[] {
  const before = /^(?:\s|\/\/[^\n]*(?:\n|$))*/.exec(text)?.[0].length ?? 0;
  const head = text.slice(before, before + headUnitsMax).replace(/\[[^\]]*\]|"[^"]*"|'[^']*'/g, ' name ');
  const words = (head.match(/[\p{L}_][\p{L}\p{N}_-]*/gu) ?? []).slice(0, wordsMax).map((word) => word.toLowerCase());
  return words.filter((word) => word !== 'async');
}

const pascal = (word: string): string =>
  word
    .split(/[-_]/)
    .map((part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`)
    .join('');
