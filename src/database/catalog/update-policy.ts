/** What fills a table whenever another one gets rows, as the service writes it.
 * @see https://learn.microsoft.com/kusto/management/update-policy */
export interface UpdatePolicy {
  readonly IsEnabled: boolean;
  readonly Source: string;
  /** `Source` is a pattern in which `*` stands for any text. */
  readonly SourceIsWildCard?: boolean;
  readonly Query: string;
  readonly IsTransactional: boolean;
  readonly PropagateIngestionProperties: boolean;
}

/** Whether rows of a table are what a policy waits for. */
export const isFedBy = ({ Source, SourceIsWildCard = false }: UpdatePolicy, table: string): boolean =>
  SourceIsWildCard ? matches(Source.split('*'), table) : Source === table;

/** @param pieces what stands between the `*`; no regular expression, which could take long */
function matches([first = '', ...others]: readonly string[], text: string): boolean {
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
