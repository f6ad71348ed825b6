/** A part of a text, and where it begins: line from 1, column from 1. */
export interface Statement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** What is run when nothing is selected: the lines around the cursor up to the next empty ones, as in Azure's explorer.
 * From an empty line, the block above it. @param line from 1 @returns undefined where there is nothing but empty lines above */
export function statementAt(text: string, line: number): Statement | undefined {
  const lines = text.split(/\r?\n/);
  const isEmpty = (index: number): boolean => (lines[index] ?? '').trim() === '';
  let first = Math.min(Math.max(line, 1), lines.length) - 1;
  while (first >= 0 && isEmpty(first)) first -= 1;
  if (first < 0) return undefined;
  let last = first;
  while (first > 0 && !isEmpty(first - 1)) first -= 1;
  while (last + 1 < lines.length && !isEmpty(last + 1)) last += 1;
  return { text: lines.slice(first, last + 1).join('\n'), line: first + 1, column: 1 };
}

/** Where a failure of a statement lies in the whole text. @param place line from 1, position from 0 */
export function placeInText(
  { line, column }: Statement,
  place: { readonly line: number; readonly position: number },
): { readonly line: number; readonly column: number } {
  return { line: line + place.line - 1, column: place.position + 1 + (place.line === 1 ? column - 1 : 0) };
}

/** Whether a text is a management command: after comments it begins with a dot. */
export const isCommand = (text: string): boolean => /^(?:\s|\/\/[^\n]*(?:\n|$))*\./.test(text);

export interface DeclaredParameter {
  readonly name: string;
  readonly type: string;
  /** As written; absent: a value must be given. */
  readonly fallback?: string;
}

/** The parameters that `declare query_parameters(name:type = default, …)` names. */
export function declaredParameters(text: string): DeclaredParameter[] {
  const withoutComments = text.replace(/("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\/[^\n]*/g, '$1');
  const start = /\bdeclare\s+query_parameters\s*\(/.exec(withoutComments);
  if (start === null) return [];
  const list = withoutComments.slice(start.index + start[0].length);
  const parameters: DeclaredParameter[] = [];
  const one =
    /^\s*(\w+|\['[^']*'\]|\["[^"]*"\])\s*:\s*(\w+)\s*(?:=\s*((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\([^)]*\)|[^,()"'])+))?\s*([,)])/;
  let rest = list;
  for (let match = one.exec(rest); match !== null; match = one.exec(rest)) {
    const [all, name = '', type = '', fallback, end] = match;
    const bare = name.replace(/^\[['"]|['"]\]$/g, '');
    parameters.push({ name: bare, type, ...(fallback === undefined ? {} : { fallback: fallback.trim() }) });
    if (end === ')' || parameters.length >= parametersMax) break;
    rest = rest.slice(all.length);
  }
  return parameters;
}

const parametersMax = 100;
