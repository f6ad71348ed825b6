/** `YYYY-MM-DD`, with a suffix such as `-preview` for previews. */
export const looksLikeApiVersion = (text: string): boolean => /^\d{4}-\d{2}-\d{2}(-[a-z]{1,20})?$/i.test(text);

/** Compares dates only: a preview counts as the stable version of its day. */
export const isApiVersionBefore = (apiVersion: string, date: string): boolean => apiVersion.slice(0, 10) < date;
