import type { Program } from '../../plan/plan.ts';
import { KqlError, serializeKqlError } from '../../plan/kql-error.ts';
import type { Draft } from './builder.ts';
import { Scope } from './builder.ts';
import { checkDiagnostics } from './diagnostics.ts';
import { parseSpelled, syntaxErrors } from './spellings.ts';
import type { LanguageSymbol, ParsedCode } from './language.ts';
import { list, toArray } from './language.ts';
import type { KeptGraphs } from './kept-graphs.ts';
import { newDraft } from './kept-graphs.ts';
import { withParameterValues } from './parameter-values.ts';
import { buildStatement } from './statements.ts';
import type { Rewritten } from './rewritten.ts';
import { TextNeeded, rewritten, withReplacements } from './rewritten.ts';
import { schemaProbe } from './schema-probe.ts';

interface Asked {
  /** Unions that do not say so are fuzzy. */
  readonly bestEffort?: boolean;
  /** Values of parameters that may name a table or a database; null for one that cannot. */
  readonly naming?: Readonly<Record<string, string | null>>;
}

/** Text → parsed, bound and checked → IR.
 * @throws KqlError syntax, semantic, notSupported, limits */
export function compileQuery(text: string, database: string, graphs: KeptGraphs, asked: Asked = {}): Program {
  const { bestEffort = false, naming } = asked;
  const state = graphs.state(database);
  const code = parseSpelled(text, state);
  if (code.Kind !== 'Query')
    throw new KqlError(
      'syntax',
      code.Kind === 'Command' ? 'A management command is not a query.' : 'This is not a query.',
      0,
    );
  const named = naming && withParameterValues(text, code, naming);
  if (named) {
    try {
      return named.located(compileQuery(named.text, database, graphs, { bestEffort }));
    } catch (error) {
      throw named.placed(error);
    }
  }
  try {
    return compileRewritten(text, code, database, graphs, bestEffort);
  } catch (error) {
    return probed(text, code, error, (probe) =>
      compileRewritten(probe, parseSpelled(probe, state), database, graphs, bestEffort),
    );
  }
}

/** @throws what stood in the way, where running a part of the text cannot help */
function probed(text: string, code: ParsedCode, error: unknown, compile: (probe: string) => Program): Program {
  const probe = error instanceof KqlError ? schemaProbe(text, code, error) : undefined;
  if (probe === undefined || !(error instanceof KqlError)) throw error;
  let program: Program;
  try {
    program = compile(probe);
  } catch {
    throw error;
  }
  return { ...program, refusal: serializeKqlError(error) };
}

function compileRewritten(
  text: string,
  code: ParsedCode,
  database: string,
  graphs: KeptGraphs,
  bestEffort: boolean,
  round = 0,
): Program {
  const tables = toArray<LanguageSymbol>(graphs.state(database).Database.Tables).map(({ Name }) => Name);
  const full =
    round < roundsMax && !syntaxErrors(code) ? rewritten(text, code, { database, tables, bestEffort }) : undefined;
  const again = (next: Rewritten): Program => {
    try {
      return next.located(
        compileRewritten(
          next.text,
          parseSpelled(next.text, graphs.state(database)),
          database,
          graphs,
          bestEffort,
          round + 1,
        ),
      );
    } catch (error) {
      throw next.placed(error);
    }
  };
  if (full) return again(full);
  try {
    return compileParsed(code, database, graphs);
  } catch (error) {
    if (!(error instanceof TextNeeded)) throw error;
    if (round > textsMax)
      throw new KqlError('notSupported', 'This operator over columns of several types is not supported.');
    return again(withReplacements(text, [{ start: error.position, end: error.position, text: error.text }]));
  }
}
/** How often a text is written on. */
const textsMax = 24;
/** A wildcard that is written out may tell the columns of a union. */
const roundsMax = 4;

function compileParsed(code: ParsedCode, database: string, graphs: KeptGraphs): Program {
  try {
    checkDiagnostics(code);
  } catch (error) {
    throw wordsMissing(code, database, graphs) ?? error;
  }
  const draft = buildAll(code, database, graphs);
  if (draft.results.length === 0) throw new KqlError('semantic', 'The query has no tabular expression statement.', 0);
  return { parameters: draft.parameters, options: draft.options, lets: draft.lets, results: draft.results };
}

function buildAll(code: ParsedCode, database: string, graphs: KeptGraphs): Draft {
  const draft = newDraft(database, graphs);
  const builder = { draft, scope: new Scope(), offset: 0 };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
  return draft;
}

/** A name that the binder does not know may be one that `find` gives to columns of several types: building tells. */
function wordsMissing(code: ParsedCode, database: string, graphs: KeptGraphs): TextNeeded | undefined {
  if (!/\bfind\b/.test(code.Syntax.toString())) return undefined;
  try {
    buildAll(code, database, graphs);
  } catch (error) {
    if (error instanceof TextNeeded) return error;
  }
  return undefined;
}
