import { jsonArray, jsonBag } from '../../values/json-text.ts';

const depthMax = 128;
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const decoded = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/** XML text → JSON text: attributes as `@name`, text beside them as `#text`, elements of one name as an array.
 * Declarations, comments and processing instructions are skipped. @returns undefined when the text is not well-formed
 * @see the table in the documentation of parse_xml() */
export function jsonOfXml(text: string): string | undefined {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match ?? undefined;
  };
  const skip = (): void => {
    while (take(/\s+/y) ?? take(/<\?[^]*?\?>/y) ?? take(/<!--[^]*?-->/y) ?? take(/<!DOCTYPE[^[>]*>/y)) continue;
  };

  const element = (depth: number): [string, string] | undefined => {
    const open = take(/<([\w:.-]+)/y);
    const name = open?.[1];
    if (name === undefined || depth > depthMax) return undefined;
    const members = new Map<string, string[]>();
    const add = (key: string, value: string): void => {
      const known = members.get(key);
      if (known) known.push(value);
      else members.set(key, [value]);
    };
    for (let attribute = take(/\s+([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y); attribute;) {
      add(`@${attribute[1] ?? ''}`, JSON.stringify(decoded(attribute[2] ?? attribute[3] ?? '')));
      attribute = take(/\s+([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y);
    }
    if (take(/\s*\/>/y)) return [name, valueOf(members)];
    if (!take(/\s*>/y)) return undefined;
    for (;;) {
      if (take(/<!--[^]*?-->|<\?[^]*?\?>/y)) continue;
      const data = take(/<!\[CDATA\[([^]*?)\]\]>/y);
      if (data) {
        add('#text', JSON.stringify(data[1] ?? ''));
        continue;
      }
      const close = take(/<\/([\w:.-]+)\s*>/y);
      if (close) return close[1] === name ? [name, valueOf(members)] : undefined;
      if (text[at] === '<') {
        const child = element(depth + 1);
        if (!child) return undefined;
        add(...child);
        continue;
      }
      const words = take(/[^<]+/y)?.[0];
      if (words === undefined) return undefined;
      if (words.trim() !== '') add('#text', JSON.stringify(decoded(words.trim())));
    }
  };

  skip();
  const root = element(0);
  skip();
  return root && at === text.length ? jsonBag([root]) : undefined;
}

/** An element with nothing but text is that text; with nothing at all null. */
function valueOf(members: ReadonlyMap<string, readonly string[]>): string {
  const [first] = members;
  if (!first) return 'null';
  if (members.size === 1 && first[0] === '#text' && first[1].length === 1) return first[1][0] ?? 'null';
  return jsonBag(
    [...members].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? 'null') : jsonArray(values)]),
  );
}
