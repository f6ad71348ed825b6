import type { AttributeRef, Condition, Operand, Operator, Quantifier } from './condition.ts';
import { attributeNames, attributePrefix, attributeTypes, operators } from './condition.ts';
import type { Token } from './tokens.ts';
import { tokensOf } from './tokens.ts';

export type ParsedCondition =
  | { readonly outcome: 'parsed'; readonly condition: Condition }
  /** No condition of the documented form. */
  | { readonly outcome: 'malformed'; readonly why: string }
  /** It may be one in Azure, but names what is not here. @param what the attribute, function or operator */
  | { readonly outcome: 'notHere'; readonly what: string };

/** Azure's own limit. */
const conditionBytesMax = 8192;
const depthMax = 32;

/** The language of version 2.0: https://learn.microsoft.com/azure/role-based-access-control/conditions-format. AND and OR beside each other
 * need parentheses, as that page demands. */
export function parseCondition(text: string): ParsedCondition {
  if (Buffer.byteLength(text) > conditionBytesMax) return malformed(`it is longer than ${conditionBytesMax} bytes`);
  const tokens = tokensOf(text);
  if (tokens === undefined) return malformed('a character has no meaning there');
  const parser = new Parser(tokens);
  try {
    return { outcome: 'parsed', condition: parser.whole() };
  } catch (error) {
    if (error instanceof Refusal) return error.outcome;
    throw error;
  }
}

const malformed = (why: string): ParsedCondition & { readonly outcome: 'malformed' } => ({ outcome: 'malformed', why });

class Refusal extends Error {
  constructor(readonly outcome: Exclude<ParsedCondition, { readonly outcome: 'parsed' }>) {
    super(outcome.outcome);
  }
}

const refuse = (why: string): never => {
  throw new Refusal(malformed(why));
};
const notHere = (what: string): never => {
  throw new Refusal({ outcome: 'notHere', what });
};

class Parser {
  private at = 0;
  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Condition {
    const condition = this.chain(0);
    if (this.at < this.tokens.length) refuse('something follows its end');
    return condition;
  }

  /** Terms with the same word between them. */
  private chain(depth: number): Condition {
    if (depth > depthMax) refuse(`it is nested deeper than ${depthMax}`);
    const first = this.term(depth);
    const joint = this.peek()?.kind;
    if (joint !== 'AND' && joint !== 'OR') return first;
    const of = [first];
    while (this.take(joint)) of.push(this.term(depth));
    const next = this.peek()?.kind;
    if (next === 'AND' || next === 'OR') refuse('AND and OR stand beside each other without parentheses');
    return { kind: joint === 'AND' ? 'all' : 'any', of };
  }

  private term(depth: number): Condition {
    if (depth > depthMax) refuse(`it is nested deeper than ${depthMax}`);
    if (this.take('NOT')) return { kind: 'not', of: this.term(depth + 1) };
    if (this.take('(')) {
      const inner = this.chain(depth + 1);
      this.expect(')');
      return inner;
    }
    const token = this.peek();
    if (token?.kind === 'word' && token.text === 'ActionMatches') return this.actionMatches();
    if (token?.kind === 'word' && (token.text === 'Exists' || token.text === 'NotExists')) {
      this.at += 1;
      const exists: Condition = { kind: 'exists', attribute: this.attribute() };
      return token.text === 'Exists' ? exists : { kind: 'not', of: exists };
    }
    if (token?.kind === 'word' && this.tokens[this.at + 1]?.kind === '{') return notHere(`the function ${token.text}`);
    return this.comparison();
  }

  private actionMatches(): Condition {
    this.at += 1;
    this.expect('{');
    const token = this.next();
    const pattern = token?.kind === 'string' ? token.text : refuse('ActionMatches takes one text');
    this.expect('}');
    return { kind: 'action', pattern };
  }

  private comparison(): Condition {
    const left = this.operand();
    const token = this.next();
    const word = token?.kind === 'word' ? token.text : refuse('an operator is missing');
    const { quantifier, operator } = operatorOf(word);
    const right = this.operand();
    requireTypes(operator, left);
    requireTypes(operator, right);
    if (quantifier === 'none' && (countOf(left) !== 1 || countOf(right) !== 1))
      refuse(`${word} compares one value with one`);
    return { kind: 'compare', left, quantifier, operator, right };
  }

  private operand(): Operand {
    if (this.peek()?.kind === 'attribute') return { kind: 'attribute', ...this.attribute() };
    if (!this.take('{')) return { kind: 'values', values: [this.value()] };
    const values = [this.value()];
    while (this.take(',')) values.push(this.value());
    this.expect('}');
    return { kind: 'values', values };
  }

  private value(): string {
    const token = this.next();
    if (token?.kind === 'string') return token.text;
    return token?.kind === 'word' && isGuid(token.text) ? token.text : refuse('a value is missing');
  }

  private attribute(): AttributeRef {
    const token = this.next();
    if (token?.kind !== 'attribute') return refuse('an attribute is missing');
    const { source, name } = token;
    if (!['Request', 'Resource', 'Principal', 'Environment'].includes(source))
      refuse(`@${source} is no source of attributes`);
    const [prefix = '', short] = name.split(':');
    const known = attributeNames.find((one) => one.toLowerCase() === short?.toLowerCase());
    if (
      known === undefined ||
      prefix.toLowerCase() !== attributePrefix.toLowerCase() ||
      (source !== 'Request' && source !== 'Resource')
    )
      return notHere(`the attribute @${source}[${name}]`);
    return { source, name: known };
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private next(): Token | undefined {
    const token = this.tokens[this.at];
    this.at += 1;
    return token;
  }

  private take(kind: Token['kind']): boolean {
    if (this.tokens[this.at]?.kind !== kind) return false;
    this.at += 1;
    return true;
  }

  private expect(kind: Token['kind']): void {
    if (!this.take(kind)) refuse(`'${kind}' is missing`);
  }
}

const otherOperators =
  /^(?:Numeric(?:Not)?Equals|Numeric(?:Less|Greater)Than(?:Equals)?|Bool(?:Not)?Equals|DateTime\w+|Ip(?:Not)?(?:Match|InRange)|TimeOfDay\w+)$/i;

function operatorOf(word: string): { readonly quantifier: Quantifier; readonly operator: Operator } {
  const { [1]: left, [2]: right, [3]: plain = '' } = /^(?:For(Any|All)Of(Any|All)Values:)?(\w+)$/i.exec(word) ?? [];
  const operator = Object.keys(operators).find((name): name is Operator => name === plain.toLowerCase());
  if (operator === undefined) {
    return otherOperators.test(plain) ? notHere(`the operator ${plain}`) : refuse(`'${word}' is no operator`);
  }
  if (left === undefined || right === undefined) return { quantifier: 'none', operator };
  const each = (text: string): 'Any' | 'All' => (text.toLowerCase() === 'any' ? 'Any' : 'All');
  return { quantifier: `${each(left)}Of${each(right)}`, operator };
}

function requireTypes(operator: Operator, operand: Operand): void {
  const { type } = operators[operator];
  if (operand.kind === 'attribute') {
    if (attributeTypes[operand.name] !== type) refuse(`${operand.name} is no ${type}`);
  } else if (type === 'guid' && operand.values.some((value) => !isGuid(value))) {
    refuse('a value is no GUID');
  }
}

const isGuid = (text: string): boolean => /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(text);

const countOf = (operand: Operand): number => (operand.kind === 'attribute' ? 1 : operand.values.length);
