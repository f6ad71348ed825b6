import type { BodyRules } from '../../http/shown-body.ts';
import { shownJson } from '../../http/shown-body.ts';
import { obfuscated } from '../../kql/values/obfuscated.ts';

/** What rows that a command brings along stand behind, one after the other: whatever is between them, comments too. */
const beforeInlineRows = [/\.ingest\b/gi, /\binline\b/gi, /<\||\[/g];

function withoutInlineRows(text: string): string {
  let end = 0;
  for (const word of beforeInlineRows) {
    word.lastIndex = end;
    if (!word.test(text)) return text;
    end = word.lastIndex;
  }
  return `${text.slice(0, end)}…`;
}

/** A query or command without what it hides, what proves access, and rows that it brings along. */
export const shownQuery = (text: string): string => obfuscated(withoutInlineRows(text));

const properties: BodyRules = {
  closed: new Set(['Parameters', 'parameters']),
  shown: new Set([
    ...['servertimeout', 'notruncation', 'norequesttimeout', 'truncationmaxrecords', 'truncationmaxsize'],
    ...['queryconsistency', 'query_language', 'query_datetimescope_column', 'query_datetimescope_from'],
    ...['query_datetimescope_to', 'query_results_cache_max_age', 'results_progressive_enabled', 'best_effort'],
    ...['deferpartialqueryfailures', 'request_readonly', 'request_app_name', 'request_description', 'ClientRequestId'],
    ...['max_memory_consumption_per_query_per_node', 'maxmemoryconsumptionperiterator', 'query_now'],
  ]),
};

/** What may be seen of bodies of clusters: queries and commands, and why they were refused. Rows are in no answer that is kept, nor are bodies of
 * streaming ingestion, which are no JSON of these members. */
export const kustoBodyRules: BodyRules = {
  answers: 'errors',
  closed: new Set(['Parameters', 'parameters', '@context']),
  changed: { csl: shownQuery, properties: (text) => shownJson(text, properties) },
  shown: new Set(['db', 'code', 'message', '@type', '@message', '@permanent', '@database', ...properties.shown]),
};
