import type { KqlError } from '../../plan/kql-error.ts';
import { engineMistake } from '../../plan/kql-error.ts';

export interface RegexFlags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly R: boolean;
  readonly U: boolean;
  readonly u: boolean;
  readonly x: boolean;
}

export const badRegex = (why: string): KqlError =>
  engineMistake('runtime', { code: 'SEM0420' }, `Regex pattern is ill-formed: ${why}.`);

/** A text and a place in it. */
export class TextReader {
  at = 0;
  constructor(readonly text: string) {}

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }
  looksAt(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }
  eat(text: string): boolean {
    if (!this.looksAt(text)) return false;
    this.at += text.length;
    return true;
  }
  /** Takes what the (sticky) expression matches here. */
  take(expression: RegExp): RegExpExecArray | null {
    const sticky = new RegExp(expression.source, 'yu');
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (match) this.at = sticky.lastIndex;
    return match;
  }
  code(): number {
    const code = this.text.codePointAt(this.at);
    if (code === undefined) throw badRegex('it ends too early');
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }
}

const isEscapable = (letter: string): boolean => /^[\x20-\x7e]$/.test(letter) && !/[0-9A-Za-z<>]/.test(letter);

const controls: Readonly<Record<string, number | undefined>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** The character that an escape stands for; the reader is behind the backslash. */
export function escapedCode(reader: TextReader): number {
  const hex = reader.take(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xuU]\{\s*([0-9a-fA-F]{1,8})\s*\}/);
  const octal = hex ? null : reader.take(/([0-3][0-7]{2}|0[0-7]?|[1-7][0-7])/);
  if (hex ?? octal) {
    const code = hex ? parseInt(hex.slice(1).find((digits) => digits) ?? '', 16) : parseInt(octal?.[1] ?? '', 8);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw badRegex('an escape is no character');
    return code;
  }
  const code = reader.code();
  const letter = String.fromCodePoint(code);
  const control = controls[letter];
  if (control !== undefined) return control;
  if (/\d/.test(letter)) throw badRegex('back references are not supported');
  if (!isEscapable(letter)) throw badRegex(`the escape \\${letter} is not known`);
  return code;
}
