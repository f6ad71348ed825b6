/** What a proof says of canaries. No types from elsewhere: the portal's pages take this, too. */
interface Found {
  readonly canaries: readonly string[];
  readonly controls: readonly { readonly canary: string; readonly rows: number }[];
  readonly scan: {
    readonly files: number;
    readonly matches: readonly { readonly file: string }[];
    readonly unreadable: readonly string[];
  };
}

/** One sentence: what the scan says. */
export function verdictOf({ canaries, controls, scan }: Found): string {
  const { files, matches, unreadable } = scan;
  if (matches.length > 0) {
    const found = new Set(matches.map(({ file }) => file)).size;
    return `FOUND: ${found} of ${files} files ${found === 1 ? 'holds' : 'hold'} a canary in the clear.`;
  }
  if (unreadable.length > 0) return `NOT KNOWN: ${unreadable.length} of ${files} files could not be read.`;
  if (canaries.length === 0)
    return `No canary was given: ${files} files were read, and nothing was looked for in them.`;
  const missing = controls.filter(({ rows }) => rows === 0).map(({ canary }) => `'${canary}'`);
  if (missing.length > 0)
    return `NOT SHOWN: no row that can be queried now holds ${missing.join(', ')}; that it is in no file shows nothing.`;
  const none = canaries.length === 1 ? 'The canary is not' : `None of ${canaries.length} canaries is`;
  return `${none} in any of ${files} files, in UTF-8, UTF-16 or base64; queries find ${canaries.length === 1 ? 'it' : 'each'} in rows.`;
}
