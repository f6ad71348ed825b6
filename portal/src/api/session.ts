/** The session has two halves, and each request needs both: a cookie that scripts cannot read, and the page token, which other programs on
 * localhost, to which browsers send the same cookies, do not get: storage belongs to the port, too. */
const tokenKey = 'kustody.page-token';
export const pageTokenHeader = 'x-kustody-page';

export const pageToken = (): string | undefined => localStorage.getItem(tokenKey) ?? undefined;

/** A link of `kustody open` has its secret behind the `#`, so no request has it in its address. It is exchanged once, and leaves the
 * address bar before anything else happens.
 * @returns why it was refused; undefined when there was none, or it was taken */
export async function takeOpenLink(): Promise<string | undefined> {
  const link = /^#open=([\w-]+)$/.exec(location.hash)?.[1];
  if (link === undefined) return undefined;
  history.replaceState(null, '', `${location.pathname}#/`);
  const answer = await fetch('/portal/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link }),
  });
  const body = (await answer.json()) as { readonly pageToken?: string; readonly error?: { readonly message: string } };
  if (body.pageToken === undefined) return body.error?.message ?? 'The link was refused.';
  localStorage.setItem(tokenKey, body.pageToken);
  return undefined;
}

/** Here and in the server. */
export async function endSession(): Promise<void> {
  await fetch('/portal/session', { method: 'DELETE', headers: { [pageTokenHeader]: pageToken() ?? '' } });
  localStorage.removeItem(tokenKey);
}
