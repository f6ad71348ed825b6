import type { EngineWords } from '../../../plan/kql-error.ts';
import { engineMistake, KqlError } from '../../../plan/kql-error.ts';
import { obfuscated } from '../../../values/obfuscated.ts';
import type { SyntaxNode } from './language.ts';

/** Where the text stands that a node is of. */
export interface TextPlace {
  /** Added to a node's start to get the offset in the text as sent; undefined inside stored functions. */
  readonly offset: number | undefined;
}

export const positionOf = (b: TextPlace, node: SyntaxNode): number | undefined =>
  b.offset === undefined ? undefined : b.offset + node.TextStart;

export function notSupported(b: TextPlace, node: SyntaxNode, what: string): KqlError {
  const at = positionOf(b, node);
  return new KqlError('notSupported', `${what} is not supported.`, at);
}

/** No such table: a fuzzy union does without what needs it. */
export class UnknownTable extends KqlError {
  constructor(message: string, position?: number, parserCode?: string, engine?: EngineWords) {
    super('semantic', message, position, parserCode, undefined, undefined, engine);
  }
}

/** @param parserCode of the parser's complaint that this one is like: of a name that stands for nothing */
export function semantic(b: TextPlace, node: SyntaxNode, message: string, parserCode?: string): KqlError {
  const at = positionOf(b, node);
  if (parserCode === undefined) return new KqlError('semantic', message, at);
  return engineMistake('semantic', { code: 'SEM0100' }, message, at, parserCode);
}

/** @param code of the engine, for what it finds and the language service does not; undefined where only its words are known */
export const inEngineWords = (b: TextPlace, node: SyntaxNode, code: string | undefined, message: string): KqlError =>
  engineMistake(
    'semantic',
    { code, token: obfuscated(node.toString().trim()).slice(0, 100) },
    message,
    positionOf(b, node),
  );
