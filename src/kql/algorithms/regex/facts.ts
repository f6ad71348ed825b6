import type { RegexNode } from './syntax.ts';

/** Whether a part may match nothing at all. */
export function isNullable(node: RegexNode): boolean {
  switch (node.k) {
    case 'literal':
    case 'any':
    case 'class':
      return false;
    case 'assert':
      return true;
    case 'group':
      return isNullable(node.body);
    case 'repeat':
      return node.min === 0 || isNullable(node.body);
    case 'sequence':
      return node.items.every(isNullable);
    case 'choice':
      return node.items.some(isNullable);
  }
}

/** Whether it can match at the beginning of a text only. */
export function isAnchored(node: RegexNode): boolean {
  switch (node.k) {
    case 'assert':
      return node.at === 'start';
    case 'group':
      return isAnchored(node.body);
    case 'repeat':
      return node.min > 0 && isAnchored(node.body);
    case 'sequence':
      return node.items.some(isAnchored);
    case 'choice':
      return node.items.every(isAnchored);
    default:
      return false;
  }
}

/** Whether JavaScript matches as KQL's own engine does. It does not where a repetition may go round without taking a character (JavaScript
 * never does), nor where a group is left from an earlier round (JavaScript forgets it). */
export function isAsInJavaScript(node: RegexNode, isRepeated = false, isOptional = false): boolean {
  switch (node.k) {
    case 'group':
      if (node.index !== undefined && isRepeated && isOptional) return false;
      return isAsInJavaScript(node.body, isRepeated, isOptional);
    case 'repeat': {
      if (node.max !== node.min && isNullable(node.body)) return false;
      const isMany = node.max === undefined || node.max > 1;
      return isAsInJavaScript(node.body, isRepeated || isMany, isOptional || (isRepeated && node.min === 0));
    }
    case 'sequence':
      return node.items.every((item) => isAsInJavaScript(item, isRepeated, isOptional));
    case 'choice':
      return node.items.every((item) => isAsInJavaScript(item, isRepeated, isOptional || isRepeated));
    default:
      return true;
  }
}

/** How many instructions the program of an expression has; repetition counts multiply. */
export function sizeOf(node: RegexNode): number {
  switch (node.k) {
    case 'group':
      return sizeOf(node.body) + 2;
    case 'repeat':
      return (sizeOf(node.body) + 3) * Math.max(1, node.max ?? node.min);
    case 'sequence':
    case 'choice':
      return node.items.reduce((sum, item) => sum + sizeOf(item) + 2, 1);
    default:
      return 1;
  }
}

/** In how many ways a part may be tried, at most, from one place of a text of so many characters. */
function waysOf(node: RegexNode, length: number): number {
  switch (node.k) {
    case 'group':
      return waysOf(node.body, length);
    case 'repeat': {
      const ways = waysOf(node.body, length);
      const rounds = Math.min(node.max ?? Infinity, length + node.min);
      return ways <= 1 ? rounds + 1 : (ways + 1) ** rounds;
    }
    case 'sequence':
      return node.items.reduce((product, item) => product * waysOf(item, length), 1);
    case 'choice':
      return node.items.reduce((sum, item) => sum + waysOf(item, length), 0);
    default:
      return 1;
  }
}

/** An upper bound for the steps that trying one way after the other takes over a text. */
export const stepsOf = (node: RegexNode, length: number): number =>
  (length + 1) * waysOf(node, length) * (length + sizeOf(node));
