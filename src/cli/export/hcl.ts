/** A value of HCL: an object is an attribute, a `block` what stands in braces without an equals sign. */
export type Hcl =
  | undefined
  | boolean
  | number
  | string
  | { readonly code: string }
  | { readonly block: readonly HclBody[] }
  | { readonly object: HclBody }
  | readonly Hcl[];
export interface HclBody {
  readonly [name: string]: Hcl;
}

/** A block of the top level. */
export const blockText = ([kind = '', ...labels]: readonly string[], body: HclBody): string =>
  `${[kind, ...labels.map(quotedHcl)].join(' ')} {\n${bodyText(body, 1)}}\n`;

const indent = (depth: number): string => '  '.repeat(depth);

function bodyText(body: HclBody, depth: number): string {
  return Object.entries(body)
    .map(([name, value]) => {
      if (value === undefined) return '';
      if (typeof value === 'object' && 'block' in value)
        return value.block
          .map((inner) => `${indent(depth)}${name} {\n${bodyText(inner, depth + 1)}${indent(depth)}}\n`)
          .join('');
      return `${indent(depth)}${name} = ${valueText(value, depth)}\n`;
    })
    .join('');
}

function valueText(value: Exclude<Hcl, undefined>, depth: number): string {
  if (typeof value === 'string') return quotedHcl(value);
  if (typeof value !== 'object') return String(value);
  if ('code' in value) return value.code;
  if ('object' in value)
    return `{\n${Object.entries(value.object)
      .map(([name, one]) => `${indent(depth + 1)}${quotedHcl(name)} = ${valueText(one ?? '', depth + 1)}\n`)
      .join('')}${indent(depth)}}`;
  if ('block' in value) throw new Error('a block is no value');
  return `[${value.map((one: Hcl) => valueText(one ?? '', depth)).join(', ')}]`;
}

/** A text of HCL in one line: nothing in it is a template. */
export function quotedHcl(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`)
    .replaceAll('${', () => '$${')
    .replaceAll('%{', '%%{');
  return `"${escaped}"`;
}
