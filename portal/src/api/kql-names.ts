/** A text as a literal of KQL. */
export const kqlText = (text: string): string =>
  `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;

/** A name of any characters, as KQL takes it. */
export const bracketed = (name: string): string => `[${kqlText(name)}]`;

/** A name that is no identifier stands in brackets. */
export const nameInText = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : bracketed(name));
