import { invariant } from '../base/invariant.ts';
import type { CatalogFunction } from './plan/catalog.ts';
import { KqlError } from './plan/kql-error.ts';
import type { Column } from './plan/types.ts';
import { quotedName } from './plan/quoted.ts';

/** A text as sent, and what runs of it have told: columns that depend on data are written after their operators. Stored functions
 * with such operators are spelled out before the query, since they have no other text to write into. */
export interface KnownText {
  text(): string;
  /** Where columns are written. */
  schemas(): readonly number[];
  write(position: number, columns: readonly Column[]): void;
  /** @param functions stored functions by name, each called by the one before it */
  spellOut(functions: readonly CatalogFunction[]): void;
  /** What a position is known by, whatever is written elsewhere. */
  place(position: number): string;
  /** @returns the error with the position it has in the text as sent */
  placed(error: unknown): unknown;
}

interface Piece {
  readonly name?: string;
  readonly text: string;
  readonly written: readonly { readonly at: number; readonly length: number }[];
}

const writtenBefore = ({ written }: Piece, at: number): number =>
  written.filter((other) => other.at < at).reduce((sum, { length }) => sum + length, 0);

/** @param queryStart where the query begins: a command has words of its own before it */
export function knownText(sent: string, queryStart: number): KnownText {
  const pieces: Piece[] = [
    { text: sent.slice(0, queryStart), written: [] },
    { text: sent.slice(queryStart), written: [] },
  ];
  const startOf = (index: number): number => pieces.slice(0, index).reduce((sum, { text }) => sum + text.length, 0);
  /** The last piece that begins at or before a position, and where in it that is. */
  function locate(position: number): { index: number; piece: Piece; at: number } {
    const index = pieces.findLastIndex((_piece, candidate) => startOf(candidate) <= position);
    const piece = pieces[index];
    invariant(piece, 'the first piece begins at 0');
    return { index, piece, at: position - startOf(index) };
  }
  return {
    text: () => pieces.map(({ text }) => text).join(''),
    schemas: () => pieces.flatMap(({ written }, index) => written.map(({ at }) => startOf(index) + at)),
    write(position, columns) {
      const { index, piece, at } = locate(position);
      const schema = ` : (${columns.map(({ name, type }) => `${quotedName(name)}:${type}`).join(', ')}) `;
      pieces[index] = {
        ...piece,
        text: piece.text.slice(0, at) + schema + piece.text.slice(at),
        written: [
          ...piece.written.map((other) => (other.at > at ? { ...other, at: other.at + schema.length } : other)),
          { at, length: schema.length },
        ],
      };
    },
    spellOut(functions) {
      // A function comes before those that call it.
      let place = 1;
      for (const { name, parameters, body } of functions.toReversed()) {
        const known = pieces.findIndex((piece) => piece.name === name);
        if (known < 0)
          pieces.splice(place, 0, { name, text: `let ${quotedName(name)} = ${parameters} ${body};\n`, written: [] });
        place = (known < 0 ? place : known) + 1;
      }
    },
    place(position) {
      const { piece, at } = locate(position);
      return `${piece.name ?? ''}:${at - writtenBefore(piece, at)}`;
    },
    placed(error) {
      if (!(error instanceof KqlError) || error.position === undefined) return error;
      const { index, piece, at } = locate(error.position);
      // Errors in a stored function have no place in the text.
      const position =
        piece.name === undefined ? at - writtenBefore(piece, at) + (index === 0 ? 0 : queryStart) : undefined;
      return new KqlError(error.code, error.message, position, error.parserCode);
    },
  };
}
