import type { JsonObject } from '../../base/json.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import type { QueryEngine } from '../../kql/query-engine.ts';
import type { QueryRequest } from '../../kql/query-request.ts';
import type { ClusterSettings } from '../catalog/cluster-setting.ts';

/** Which workload group each request is in. @see Kusto "Request classification policy" */
export interface ClassificationPolicy {
  readonly IsEnabled: boolean;
  /** The body of a function of `request_properties` that gives the name of a group. */
  readonly ClassificationFunction: string;
}

export const classificationPolicy = 'request_classification';

export function classificationOf({ policies }: ClusterSettings): ClassificationPolicy | undefined {
  return policies[classificationPolicy] as ClassificationPolicy | undefined;
}

/** What the function is told of a request. */
export interface RequestProperties extends JsonObject {
  readonly current_database: string;
  readonly current_application: string;
  readonly current_principal: string;
  readonly query_consistency: string;
  readonly request_description: string;
  /** Without obfuscated literals; at most its first 65,536 characters. */
  readonly request_text: string;
  readonly request_type: 'Query' | 'Command';
}

export const requestTextMax = 65_536;

/** It sees no database: what it names beside its own variables is not there. */
const nowhere = 'NetDefaultDB';
const catalog: KqlCatalog = {
  version: 'request classification',
  cluster: '',
  databases: [{ name: nowhere, tables: [], functions: [] }],
};
const sources: QueryRequest['sources'] = {
  open: () => Promise.reject(new KqlError('semantic', 'A classification function reads no table.')),
};

const textOf = (body: string): string =>
  `declare query_parameters(request_properties: dynamic);
let classify = () {
${body}
};
print WorkloadGroup = classify()`;

export interface Classified {
  readonly properties: RequestProperties;
  readonly principal: string;
  readonly memberOf?: readonly string[];
  /** Ticks. */
  readonly now: bigint;
  readonly signal?: AbortSignal;
}

/** What stands for all requests that are classified alike: the function, and what of the request it looks at.
 * @returns undefined for a function that may give something else the next time */
export function alikeKey(
  { ClassificationFunction: body }: ClassificationPolicy,
  about: Classified,
): string | undefined {
  if (changing.test(body)) return undefined;
  const named = [...body.matchAll(/\brequest_properties\b\s*(?:\.\s*(\w+)|\[\s*(?:'(\w+)'|"(\w+)")\s*\])?/gi)].map(
    ([, dotted = '', quoted = '', twice = '']) => dotted + quoted + twice,
  );
  const entries = Object.entries(about.properties);
  // One that is passed on as a whole may be looked at anywhere.
  const seen = named.includes('') ? entries : entries.filter(([name]) => named.includes(name));
  const caller = /current_principal/i.test(body) ? [about.principal, about.memberOf ?? []] : [];
  return JSON.stringify([body, seen, caller]);
}

const changing = /\b(now|ago|rand|new_guid|sample|sample-distinct|\w*cursor\w*)\b/i;

const requestOf = (body: string, about: Classified): QueryRequest => ({
  ...{ text: textOf(body), database: nowhere, catalog, sources, now: about.now, principal: about.principal },
  ...(about.memberOf === undefined ? {} : { memberOf: about.memberOf }),
  ...(about.signal === undefined ? {} : { signal: about.signal }),
  parameters: { request_properties: about.properties },
});

/** The name of a group, whether or not there is one of that name. The engine keeps what it has compiled.
 * @throws KqlError */
export async function classify(
  engine: Pick<QueryEngine, 'execute'>,
  { ClassificationFunction: body }: ClassificationPolicy,
  about: Classified,
): Promise<string> {
  const execution = await engine.execute(requestOf(body, about));
  try {
    for await (const chunk of execution.results[0]?.chunks ?? []) {
      const group = chunk[0]?.[0];
      if (typeof group === 'string') return group;
    }
    return '';
  } finally {
    execution.close();
  }
}

/** Tries the function as any request would. @throws KqlError for one that is none, reads anything, or uses what is not built */
export async function checkClassification(
  engine: Pick<QueryEngine, 'execute' | 'programOf'>,
  policy: ClassificationPolicy,
  about: Classified,
): Promise<void> {
  const program = await engine.programOf(requestOf(policy.ClassificationFunction, about)).compile([]);
  const [result, ...others] = program.results;
  if (result === undefined || others.length > 0 || result.plan.cols.length !== 1)
    throw new KqlError('semantic', 'A classification function has one value.');
  if (result.plan.cols[0]?.type !== 'string')
    throw new KqlError('semantic', 'A classification function gives a string: the name of a workload group.');
  if (tablesOf(program).length > 0) throw new KqlError('semantic', 'A classification function reads no table.');
  await classify(engine, policy, about);
}
