import type { Filter, FilterTerm } from '../../arm/filter.ts';
import { unsupportedTerm } from '../../arm/filter.ts';
import { isSameLocation } from '../../arm/locations.ts';

/** What `$filter` of a resource list can ask about. */
export interface FilterableResource {
  readonly name: string;
  readonly type: string;
  readonly resourceGroup: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

type Test = (resource: FilterableResource) => boolean;

const sameText = (left: string | undefined, right: string): boolean => left?.toLowerCase() === right.toLowerCase();

/** Properties with the text they compare; all without case. */
const properties: Readonly<Record<string, (resource: FilterableResource) => string | undefined>> = {
  name: (resource) => resource.name,
  resourcetype: (resource) => resource.type,
  resourcegroup: (resource) => resource.resourceGroup,
  location: (resource) => resource.location,
};

/** @throws ArmError 400 naming a property, operator or function that is not known; before any resource is looked at */
export function compileResourceFilter(filter: Filter): Test {
  const alternatives = filter.map((terms) => compileTerms(terms));
  return (resource) => alternatives.some((test) => test(resource));
}

function compileTerms(terms: readonly FilterTerm[]): Test {
  const tagNames = terms.flatMap((term) => equalTo(term, 'tagname') ?? []);
  const tests = terms.map((term) => {
    const name = equalTo(term, 'tagname');
    if (name !== undefined) return hasTag([name], undefined);
    const value = equalTo(term, 'tagvalue');
    // With a name beside it the value is that tag's.
    return value === undefined ? compileTerm(term) : hasTag(tagNames, value);
  });
  return (resource) => tests.every((test) => test(resource));
}

function compileTerm(term: FilterTerm): Test {
  if (term.kind === 'call') return compileCall(term);
  const read = Object.hasOwn(properties, term.property.toLowerCase())
    ? properties[term.property.toLowerCase()]
    : undefined;
  if (read === undefined || (term.operator !== 'eq' && term.operator !== 'ne')) throw unsupportedTerm(term);
  const isLocation = term.property.toLowerCase() === 'location';
  const wanted = term.operator === 'eq';
  return (resource) => {
    const value = read(resource);
    const equal = isLocation ? value !== undefined && isSameLocation(value, term.value) : sameText(value, term.value);
    return equal === wanted;
  };
}

function compileCall(term: Extract<FilterTerm, { kind: 'call' }>): Test {
  const [first, second, ...more] = term.args;
  const isSubstring = term.name.toLowerCase() === 'substringof';
  if (!isSubstring || first === undefined || second === undefined || more.length > 0) throw unsupportedTerm(term);
  if (!('literal' in first) || !('property' in second)) throw unsupportedTerm(term);
  const read = Object.hasOwn(properties, second.property.toLowerCase())
    ? properties[second.property.toLowerCase()]
    : undefined;
  if (read === undefined) throw unsupportedTerm(term);
  return (resource) => read(resource)?.toLowerCase().includes(first.literal.toLowerCase()) === true;
}

/** Tag names compare without case, values with. */
const hasTag =
  (names: readonly string[], value: string | undefined): Test =>
  (resource) =>
    Object.entries(resource.tags ?? {}).some(
      ([name, held]) =>
        (names.length === 0 || names.some((wanted) => sameText(name, wanted))) &&
        (value === undefined || held === value),
    );

/** @returns what the term compares the property with; undefined for any other term */
const equalTo = (term: FilterTerm, property: string): string | undefined =>
  term.kind === 'comparison' && term.operator === 'eq' && term.property.toLowerCase() === property
    ? term.value
    : undefined;
