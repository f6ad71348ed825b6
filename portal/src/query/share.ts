import { quoted } from '../shell/posix-word.ts';

/** What a link opens: it stands behind the `#`, which no browser sends to a server. A link fills a tab and runs nothing. */
export interface SharedQuery {
  readonly text: string;
  readonly host: string;
  readonly database: string;
}

export const linkQuery = ({ text, host, database }: SharedQuery): Readonly<Record<string, string>> => ({
  ...{ cluster: host, database, text },
});

/** @param query of the address @returns undefined where it has no text, or a longer one than any link of ours */
export function readLink(query: URLSearchParams): SharedQuery | undefined {
  const text = query.get('text');
  if (text === null || text === '' || text.length > sharedMax) return undefined;
  return { text, host: query.get('cluster') ?? '', database: query.get('database') ?? '' };
}

export const sharedMax = 100_000;

/** The same as a line for a POSIX shell. */
export const shellLine = ({ text, host, database }: SharedQuery): string =>
  `kustody query --cluster ${quoted(`https://${host}`)} --database ${quoted(database)} ${quoted(text)}`;
