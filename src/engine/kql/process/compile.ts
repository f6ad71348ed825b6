import type { Program } from '../ir/plan.ts';
import { KqlError } from '../kql-error.ts';
import type { Draft } from './builder.ts';
import { Scope } from './builder.ts';
import { checkDiagnostics } from './diagnostics.ts';
import { parseSpelled, syntaxErrors } from './spellings.ts';
import type { GlobalState, ParsedCode } from './language.ts';
import { list, toArray } from './language.ts';
import { buildStatement } from './statements.ts';
import { rewritten } from './rewritten.ts';

/** Text → parsed, bound and checked → IR.
 * @throws KqlError syntax, semantic, notSupported, limits */
export function compileQuery(text: string, database: string, state: GlobalState): Program {
  const code = parseSpelled(text, state);
  if (code.Kind !== 'Query')
    throw new KqlError(
      'syntax',
      code.Kind === 'Command' ? 'A management command is not a query.' : 'This is not a query.',
      0,
    );
  return compileRewritten(text, code, database, state, 0);
}

function compileRewritten(
  text: string,
  code: ParsedCode,
  database: string,
  state: GlobalState,
  round: number,
): Program {
  const full = round < roundsMax && !syntaxErrors(code) ? rewritten(text, code) : undefined;
  if (!full) return compileParsed(code, database, state);
  try {
    return full.located(compileRewritten(full.text, parseSpelled(full.text, state), database, state, round + 1));
  } catch (error) {
    throw full.placed(error);
  }
}
/** A wildcard that is written out may tell the columns of a union. */
const roundsMax = 4;

function compileParsed(code: ParsedCode, database: string, state: GlobalState): Program {
  checkDiagnostics(code);
  const draft: Draft = {
    lets: [],
    options: {},
    parameters: [],
    results: [],
    database,
    tables: toArray(state.Database.Tables),
    implicitColumns: new Set(),
    inlined: 0,
  };
  const builder = { draft, scope: new Scope(), offset: 0 };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
  if (draft.results.length === 0) throw new KqlError('semantic', 'The query has no tabular expression statement.', 0);
  return { parameters: draft.parameters, options: draft.options, lets: draft.lets, results: draft.results };
}
