import { KqlError } from '../../../plan/kql-error.ts';
import type { Program } from '../../../plan/plan.ts';

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text with other words in some places, and where in the text as sent its positions are. */
export interface Rewritten {
  readonly text: string;
  /** @returns the error with the position it has in the text as sent */
  placed(error: unknown): unknown;
  /** @returns the program with its positions in the text as sent */
  located(program: Program): Program;
}

export function withReplacements(text: string, unordered: readonly Replacement[]): Rewritten {
  const replacements = unordered.toSorted((one, other) => one.start - other.start);
  let written = text;
  for (const { start, end, text: added } of replacements.toReversed())
    written = written.slice(0, start) + added + written.slice(end);
  return {
    text: written,
    placed: (error) =>
      error instanceof KqlError && error.position !== undefined
        ? new KqlError(
            error.code,
            error.message,
            original(error.position, replacements),
            error.code === 'semantic' ? error.parserCode : undefined,
          )
        : error,
    located: ({ refusal, ...program }) => ({
      ...(located(program, replacements) as Program),
      ...(refusal && {
        refusal: {
          ...refusal,
          ...(refusal.position !== undefined && { position: original(refusal.position, replacements) }),
        },
      }),
    }),
  };
}

function located(value: unknown, replacements: readonly Replacement[]): unknown {
  if (Array.isArray(value)) return value.map((item) => located(item, replacements));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      key === 'at' && typeof item === 'number' ? original(item, replacements) : located(item, replacements),
    ]),
  );
}

function original(position: number, replacements: readonly Replacement[]): number {
  let moved = 0;
  for (const { start, end, text } of replacements) {
    if (position < start + moved) break;
    if (position < start + moved + text.length) return start;
    moved += text.length - (end - start);
  }
  return position - moved;
}
