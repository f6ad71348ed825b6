import type { KqlType } from '../../../plan/types.ts';
import type { Call, Literal } from '../../../plan/expression.ts';
import { innerText, readers } from '../../../values/literal-text.ts';
import { formatDatetime, formatTimespan, parseTimespan } from '../../../values/ticks.ts';
import { engineMistake, KqlError } from '../../../plan/kql-error.ts';
import { obfuscated } from '../../../values/obfuscated.ts';
import type { SyntaxNode } from './language.ts';
import { kindOf, list, part } from './language.ts';
import { unquote } from '../../../values/string-literals.ts';

/** Literal values are read from their text: the package's own values are wrong for several kinds in its JavaScript build. */
export function literalOf(node: SyntaxNode): Literal | undefined {
  const kind = kindOf(node);
  if (kind === 'StringLiteralExpression') return { k: 'literal', type: 'string', value: unquote(textOf(node)) };
  if (kind === 'CompoundStringLiteralExpression') {
    return {
      k: 'literal',
      type: 'string',
      value: list(node, 'Tokens')
        .map((token) => unquote(token.Text ?? ''))
        .join(''),
    };
  }
  if (kind === 'DynamicExpression') return dynamicLiteral(node);
  if (kind === 'NullLiteralExpression') return { k: 'literal', type: 'dynamic', value: null };
  const type = literalTypes[kind];
  if (type === undefined) return undefined;
  const text = innerText(textOf(node));
  if (/^null$/i.test(text) || text === '') return { k: 'literal', type, value: null };
  return { k: 'literal', type, value: readLiteral(node, type, text) };
}

/** @throws KqlError syntax: a literal out of form is one to the engine */
function readLiteral(node: SyntaxNode, type: keyof typeof readers, text: string): string | boolean | null {
  try {
    return readers[type](text);
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    const token = obfuscated(textOf(node)).slice(0, 100);
    throw engineMistake('syntax', { token }, `Failed to parse ${type} literal: '${token}'`, node.TextStart, 'KS004');
  }
}

/** `datetime(8:00)` is that time today, `datetime(now)` now: literals by their syntax, not calls of a function with a row. */
export function currentTime(node: SyntaxNode): Call | undefined {
  const text = node.toString().trim();
  const now: Call = { k: 'call', name: 'now', args: [], type: 'datetime' };
  if (/^datetime\s*\(\s*now\s*\)$/i.test(text)) return now;
  const match = /^datetime\s*\(\s*(\d{1,2}):(\d{2}(?::\d{2}(?:\.\d{1,7})?)?)\s*\)$/i.exec(text);
  const ticks = match && parseTimespan(`${match[1]?.padStart(2, '0') ?? ''}:${match[2] ?? ''}`);
  if (ticks === null || ticks === undefined) return undefined;
  const today: Call = { k: 'call', name: 'startofday', args: [now], type: 'datetime' };
  const time: Literal = { k: 'literal', type: 'timespan', value: ticks.toString() };
  return { k: 'call', name: '+', args: [today, time], type: 'datetime' };
}

const literalTypes: Readonly<Record<string, Exclude<KqlType, 'string' | 'dynamic'>>> = {
  BooleanLiteralExpression: 'bool',
  IntLiteralExpression: 'int',
  LongLiteralExpression: 'long',
  RealLiteralExpression: 'real',
  DecimalLiteralExpression: 'decimal',
  DateTimeLiteralExpression: 'datetime',
  TimespanLiteralExpression: 'timespan',
  GuidLiteralExpression: 'guid',
};

const textOf = (node: SyntaxNode): string => (part(node, 'Token')?.Text ?? node.toString()).trim();

function dynamicLiteral(node: SyntaxNode): Literal {
  const inner = part(node, 'Expression');
  const json = inner ? jsonText(inner) : 'null';
  return { k: 'literal', type: 'dynamic', value: json === 'null' ? null : json };
}

/** The JSON text of the inside of `dynamic(…)`, with typed literals turned to what the engine prints for them. */
export function jsonText(node: SyntaxNode): string {
  const kind = kindOf(node);
  if (kind === 'JsonObjectExpression') {
    const pairs = new Map<string, string>();
    for (const pair of list(node, 'Pairs')) {
      const value = part(pair, 'Value');
      pairs.set(unquote(part(pair, 'Name')?.Text ?? '""'), value ? jsonText(value) : 'null');
    }
    return `{${[...pairs].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
  }
  if (kind === 'JsonArrayExpression') return `[${list(node, 'Values').map(jsonText).join(',')}]`;
  if (kind === 'DynamicExpression') {
    const inner = part(node, 'Expression');
    return inner ? jsonText(inner) : 'null';
  }
  if (kind === 'UnaryMinusExpression') {
    const operand = part(node, 'Expression');
    return operand ? `-${jsonText(operand)}` : 'null';
  }
  const literal = literalOf(node);
  if (!literal) throw new KqlError('notSupported', `${kind} inside dynamic() is not supported.`, node.TextStart);
  return literalToJson(literal);
}

export function literalToJson(literal: Literal): string {
  const { value, type } = literal;
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  switch (type) {
    case 'int':
    case 'long':
      return value;
    case 'decimal':
      return JSON.stringify(value);
    case 'real':
      if (!Number.isFinite(Number(value))) return JSON.stringify(value);
      return /^-?\d+$/.test(value) ? `${value}.0` : value;
    case 'datetime':
      return JSON.stringify(formatDatetime(BigInt(value)));
    case 'timespan':
      return JSON.stringify(formatTimespan(BigInt(value)));
    case 'dynamic':
      return value;
    default:
      return JSON.stringify(value);
  }
}
