/** A KQL string literal in single quotes. Line ends would end it. */
export const quotedText = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;

/** A name as it may stand in any text, whatever it is made of. */
export const quotedName = (name: string): string => `[${quotedText(name)}]`;
