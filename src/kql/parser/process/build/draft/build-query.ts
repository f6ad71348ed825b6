import { KqlError } from '../../../../plan/kql-error.ts';
import { checkDiagnostics } from '../../binder/diagnostics.ts';
import { languagePackage, list } from '../../language/language.ts';
import type { Builder } from './builder.ts';
import type { Draft } from './draft.ts';
import { Scope } from './scope.ts';
import { buildStatement } from './visit.ts';

/** Builds a query that a name stands for into a draft of its own. @throws KqlError */
export function buildQuery(draft: Draft, query: string, state = draft.keptGraphs.state(draft.database)): void {
  const code = languagePackage().KustoCode.ParseAndAnalyze(query, state);
  if (code.Kind !== 'Query') throw new KqlError('syntax', 'This is not a query.');
  checkDiagnostics(code, draft.functions);
  const builder: Builder = { draft, scope: new Scope(), offset: undefined };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
}
