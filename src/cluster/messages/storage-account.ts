/** An account of Azure Storage that is somewhere else here, such as in the user's Azurite. */
export interface StorageAccount {
  /** 3 to 24 lower-case letters and digits. */
  readonly name: string;
  /** `http` or `https`, without a slash at its end: `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly endpoint: string;
}

/** Reads `NAME=URL`. @returns undefined for anything else */
export function parseStorageAccount(text: string): StorageAccount | undefined {
  const [, name = '', address = ''] = /^([a-z0-9]{3,24})=(\S+)$/.exec(text) ?? [];
  const url = URL.parse(address);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return { name, endpoint: url.href.replace(/\/+$/, '') };
}
