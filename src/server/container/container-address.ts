/** An address of a container that cannot be used, without what stands in it: there may be a secret. */
export class ContainerAddressError extends Error {
  override readonly name = 'ContainerAddressError';
}

/** @param text `https://ACCOUNT.blob.core.windows.net/CONTAINER`; on this machine `http://127.0.0.1:10000/ACCOUNT/CONTAINER`, too
 * @returns the same, always written in one way
 * @throws ContainerAddressError */
export function parseContainerAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ContainerAddressError('A container is addressed as https://ACCOUNT.blob.core.windows.net/CONTAINER.');
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new ContainerAddressError(
      'The address of the container holds a signature or a password, which every user of this machine can see. Give a connection string by --blobs-credential.',
    );
  if (url.protocol === 'http:' && !isLocal(url.hostname))
    throw new ContainerAddressError('A container elsewhere than on this machine is reached by https:// only.');
  const segments = url.pathname.replace(/\/$/, '').split('/').slice(1);
  // An account by its host name has containers only; one by its path stands before them.
  const [container = ''] = segments.slice(isAccountHost(url.hostname) ? 0 : -1);
  const isPath = segments.length === 1 || (segments.length === 2 && !isAccountHost(url.hostname));
  if (!isPath || !/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(container))
    throw new ContainerAddressError(
      'The address of the container names one: 3 to 63 small letters, digits, and single hyphens.',
    );
  return `${url.origin}/${segments.join('/')}`;
}

const isAccountHost = (host: string): boolean => /^[a-z0-9]{3,24}\.blob\./.test(host);

/** What is sent there does not leave the machine. */
const isLocal = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
