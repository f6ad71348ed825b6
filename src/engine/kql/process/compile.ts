import type { Program } from '../ir/plan.ts';
import { KqlError } from '../kql-error.ts';
import type { Draft } from './builder.ts';
import { Scope } from './builder.ts';
import { checkDiagnostics } from './diagnostics.ts';
import type { GlobalState } from './language.ts';
import { languagePackage, list } from './language.ts';
import { buildStatement } from './statements.ts';

/** Text → parsed, bound and checked → IR.
 * @throws KqlError syntax, semantic, notSupported, limits */
export function compileQuery(text: string, database: string, state: GlobalState): Program {
  const code = languagePackage().KustoCode.ParseAndAnalyze(text, state);
  if (code.Kind !== 'Query')
    throw new KqlError(
      'syntax',
      code.Kind === 'Command' ? 'A management command is not a query.' : 'This is not a query.',
      0,
    );
  checkDiagnostics(code);
  const draft: Draft = {
    lets: [],
    options: {},
    parameters: [],
    results: [],
    database,
    implicitColumns: new Set(),
    inlined: 0,
  };
  const builder = { draft, scope: new Scope(), offset: 0 };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
  if (draft.results.length === 0) throw new KqlError('semantic', 'The query has no tabular expression statement.', 0);
  return { parameters: draft.parameters, options: draft.options, lets: draft.lets, results: draft.results };
}
