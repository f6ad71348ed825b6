import { bindOptions } from './options.ts';
import type { SyntaxNode } from '../language/language.ts';
import { list, nameOf, need } from '../language/language.ts';

/** Whether a union does without tables that are not there: it says so, or does not say and the request does. */
export function isFuzzy(union: SyntaxNode): boolean {
  const said = list(union, 'Parameters').find((one) => nameOf(need(one, 'Name')).toLowerCase() === 'isfuzzy');
  return said ? /^(true|1)$/i.test(need(said, 'Expression').toString().trim()) : bindOptions().bestEffort;
}
