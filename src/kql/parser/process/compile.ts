import type { Program } from '../../plan/plan.ts';
import { KqlError, serializeKqlError } from '../../plan/kql-error.ts';
import { withBindOptions } from './binder/options.ts';
import type { Draft } from './builder.ts';
import { Scope } from './scope.ts';
import { checkDiagnostics } from './diagnostics.ts';
import { parseSpelled } from './spellings.ts';
import type { GlobalState, ParsedCode } from './language.ts';
import { kindOf, languagePackage, list } from './language.ts';
import type { KeptGraphs } from './kept-graphs.ts';
import { newDraft } from './kept-graphs.ts';
import { withParameterValues } from './parameter-values.ts';
import { buildStatement } from './statements.ts';
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
  const { naming } = asked;
  const state = graphs.state(database);
  const bestEffort = setsBestEffort(text, state) ?? asked.bestEffort ?? false;
  const named = naming && withParameterValues(text, parseSpelled(text, state), naming);
  const compile = (full: string): Program =>
    withBindOptions({ database, bestEffort }, () => compileBound(full, state, database, graphs));
  if (!named) return compile(text);
  try {
    return named.located(compile(named.text));
  } catch (error) {
    throw named.placed(error);
  }
}

function compileBound(text: string, state: GlobalState, database: string, graphs: KeptGraphs): Program {
  const code = parseSpelled(text, state);
  if (code.Kind !== 'Query')
    throw new KqlError(
      'syntax',
      code.Kind === 'Command' ? 'A management command is not a query.' : 'This is not a query.',
      0,
    );
  try {
    return compileParsed(code, database, graphs);
  } catch (error) {
    return probed(text, code, error, (probe) => compileParsed(parseSpelled(probe, state), database, graphs));
  }
}

/** What the text itself says, last. */
function setsBestEffort(text: string, state: GlobalState): boolean | undefined {
  if (!text.includes('best_effort')) return undefined;
  const { Syntax: root } = languagePackage().KustoCode.Parse(text, state);
  return list(root, 'Statements')
    .flatMap((statement) => {
      if (kindOf(statement) !== 'SetOptionStatement') return [];
      const [, name = '', value = 'true'] = /^set\s+(\w+)\s*(?:=\s*(\w+))?/i.exec(statement.toString().trim()) ?? [];
      return name === 'best_effort' ? [value.toLowerCase() === 'true'] : [];
    })
    .at(-1);
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

function compileParsed(code: ParsedCode, database: string, graphs: KeptGraphs): Program {
  checkDiagnostics(code);
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
