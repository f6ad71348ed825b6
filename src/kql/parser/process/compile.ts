import type { Program } from '../../plan/plan.ts';
import { KqlError, serializeKqlError } from '../../plan/kql-error.ts';
import type { ToldSchema } from '../../plan/told-schema.ts';
import type { Column } from '../../plan/types.ts';
import { programOfNeeded } from '../../plan/needed-columns.ts';
import { isInsideLeftOut } from './binder/fuzzy.ts';
import { hasOpenPlugin, isOpenTable, toldTable } from './binder/open-schemas.ts';
import { withSharedBodies } from './binder/shared-bodies.ts';
import { withBindOptions } from './binder/options.ts';
import type { Draft } from './build/draft/draft.ts';
import { Scope } from './build/draft/scope.ts';
import { checkDiagnostics, isTypeMistake } from './binder/diagnostics.ts';
import type { GlobalState, ParsedCode, SyntaxNode } from './language/language.ts';
import { children, kindOf, languagePackage, list } from './language/language.ts';
import type { KeptGraphs } from './build/draft/draft.ts';
import { newDraft, untoldProgram } from './build/draft/draft.ts';
import { sourceOf } from './language/pipes.ts';
import { buildStatement, buildTable } from './build/draft/visit.ts';

import { visitors } from './build/visitors.ts';

interface Asked {
  /** Unions that do not say so are fuzzy. */
  readonly bestEffort?: boolean;
  /** Values of parameters that may name a table or a database; null for one that cannot. */
  readonly naming?: Readonly<Record<string, string | null>>;
  /** What operators have told of their columns. */
  readonly told?: readonly ToldSchema[];
}

/** Text → parsed, bound and checked → IR.
 * @throws KqlError syntax, semantic, notSupported, limits */
export function compileQuery(text: string, database: string, graphs: KeptGraphs, asked: Asked = {}): Program {
  const { naming = {}, told = [] } = asked;
  const own = graphs.state(database);
  const bestEffort = setsBestEffort(text, own) ?? asked.bestEffort ?? false;
  const named = new Set<string>();
  const options = {
    database,
    bestEffort,
    told: byPlace(told),
    ...{ given: naming, named, isMistake: isTypeMistake(graphs.functions) },
  };
  // What decides beside the catalog what bodies of functions mean.
  const isAlone = bestEffort || told.length > 0 || Object.keys(naming).length > 0 || /\brestrict\b/i.test(text);
  const compile = (state: GlobalState): Program => compileBound(text, state, database, graphs);
  const program = withBindOptions(options, () => (isAlone ? compile(own) : withSharedBodies(own, compile)));
  return named.size > 0 ? { ...program, namedBy: [...named] } : program;
}

export const byPlace = (told: readonly ToldSchema[]): ReadonlyMap<string, readonly Column[]> =>
  new Map(told.map(({ place, columns }) => [place, columns]));

function compileBound(text: string, state: GlobalState, database: string, graphs: KeptGraphs): Program {
  const code = languagePackage().KustoCode.ParseAndAnalyze(text, state);
  if (code.Kind !== 'Query')
    throw new KqlError(
      'syntax',
      code.Kind === 'Command' ? 'A management command is not a query.' : 'This is not a query.',
      0,
    );
  const draft = newDraft(database, graphs, visitors);
  try {
    checkDiagnostics(code, graphs.functions);
    const program = programOf(code, draft);
    return untoldProgram(draft) ?? program;
  } catch (error) {
    const untold = error instanceof KqlError ? untoldTable(code, draft) : undefined;
    if (untold) return untold;
    if (!(error instanceof KqlError) || error.code !== 'semantic' || error.position === undefined) throw error;
    const program = tellingProgram(code, newDraft(database, graphs, visitors));
    if (!program) throw error;
    return { ...program, refusal: serializeKqlError(error) };
  }
}

/** What is wrong may be right once the columns of an external table are known that only its log tells.
 * @returns undefined where there is none */
function untoldTable(code: ParsedCode, draft: Draft): Program | undefined {
  if (draft.untold === undefined && hasOpenTable(code.Syntax)) {
    try {
      programOf(code, draft);
    } catch {
      // As far as it came.
    }
  }
  return untoldProgram(draft);
}

const hasOpenTable = (node: SyntaxNode): boolean =>
  (isOpenTable(node) && toldTable(node) === undefined) ||
  children(node).some((child) => !child.IsToken && hasOpenTable(child));

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

function programOf(code: ParsedCode, draft: Draft): Program {
  const builder = { draft, scope: new Scope(), offset: 0 };
  for (const statement of list(code.Syntax, 'Statements')) buildStatement(builder, statement);
  if (draft.results.length === 0) throw new KqlError('semantic', 'The query has no tabular expression statement.', 0);
  return finished(draft);
}

/** Columns that nothing reads need not leave this process. */
const finished = ({ parameters, options, lets, results, warnings }: Draft): Program =>
  programOfNeeded({ parameters, options, lets, results, ...(warnings.size > 0 && { warnings: [...warnings] }) });

/** What the binder refuses may be right once it knows the columns that depend on data: it takes none to come from inside of partition
 * and mv-apply, doubles some where `*` stands for columns to come, and misses those that a function wants of its table. The pipe
 * up to the first operator that gives such columns, and what stands before its statement, tells them when it runs.
 * @returns undefined where there is none */
function tellingProgram(code: ParsedCode, draft: Draft): Program | undefined {
  const operator = firstOpen(code.Syntax);
  const pipe = operator?.Parent;
  if (!operator || !pipe || kindOf(pipe) !== 'PipeExpression') return undefined;
  // Its pipe is wrong before it comes to the operator.
  if (isInsideLeftOut(code.Syntax, operator.TextStart)) return undefined;
  if (kindOf(sourceOf(pipe)) === 'EvaluateOperator') return undefined;
  let statement = operator;
  while (!kindOf(statement).endsWith('Statement')) {
    if (!statement.Parent || kindOf(statement) === 'FunctionDeclaration') return undefined;
    statement = statement.Parent;
  }
  const before = list(code.Syntax, 'Statements').filter(({ End }) => End <= statement.TextStart);
  try {
    checkDiagnostics(code, draft.functions, () => false, [...before, pipe]);
    const builder = { draft, scope: new Scope(), offset: 0 };
    for (const one of before) buildStatement(builder, one);
    draft.results.splice(0, draft.results.length, { name: 'PrimaryResult', plan: buildTable(builder, pipe) });
    return finished(draft);
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    return undefined;
  }
}

function firstOpen(node: SyntaxNode): SyntaxNode | undefined {
  if (/^(Evaluate|Partition|MvApply)Operator$/.test(kindOf(node)) && hasOpenPlugin(node)) return node;
  for (const child of children(node)) {
    const found = child.IsToken ? undefined : firstOpen(child);
    if (found) return found;
  }
  return undefined;
}
