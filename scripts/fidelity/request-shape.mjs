// Requests without what differs from one recording to the next: `GET management /subscriptions/{}/resourcegroups/{} 2021-04-01`.

/** What stands where names stand, and is none. */
const literals = new Set(['add', 'default', 'remove', 'replace']);
const services = [
  [/^login\.|^sts\.windows/, 'login'],
  [/\.vault(?:-int)?\./, 'vault'],
  [/^graph\.microsoft\.com$/, 'graph'],
  [/^management\.|^api-dogfood\.resources\./, 'management'],
];
/** What lies below the same names and is never compared. */
const foreign =
  /^vault \/(?:deleted)?storage(?:\/|$)|\/microsoft\.resources\/(?:templatespecs|deploymentscripts)\/|\/tagnames(?:\/|$)/;
const ownProviders = /^microsoft\.(?:authorization|keyvault|kusto|managedidentity|resources)$/;

/** @param {string} method
 * @param {string} url
 * @returns {{ method: string, service: string, path: string, apiVersion: string } | undefined} the path in lower case, with `{}`
 *   for names; undefined for services that are not here */
export function shapeOf(method, url) {
  const { hostname, pathname, searchParams } = new URL(url);
  const service = services.find(([pattern]) => pattern.test(hostname))?.[1];
  if (service === undefined) return undefined;
  const segments = pathname.toLowerCase().split('/').filter(Boolean).map(decodeURIComponent);
  const path = `/${namesOf[service](segments).join('/')}`;
  if (foreign.test(`${service} ${path}`)) return undefined;
  if (service === 'management' && !providersOf(segments).every((name) => ownProviders.test(name))) return undefined;
  // Recorders write a request for a token as a GET.
  const isToken = service === 'login' && path.endsWith('/token');
  const version = (searchParams.get('api-version') ?? '').toLowerCase();
  return {
    method: isToken ? 'POST' : method.toUpperCase(),
    service,
    path,
    apiVersion: version === '**' || service === 'login' ? '' : version,
  };
}

/** The namespaces that a path goes through. */
const providersOf = (segments) => segments.filter((_, at) => segments[at - 1] === 'providers');

const name = (segment) => (literals.has(segment) ? segment : '{}');

const namesOf = {
  /** Types and names take turns, anew after each namespace. */
  management(segments) {
    let first = 0;
    return segments.map((segment, at) => {
      if (segments[at - 1] === 'providers') {
        first = at + 1;
        return segment;
      }
      if (segment === 'providers') return segment;
      return (at - first) % 2 === 0 ? segment : name(segment);
    });
  },
  /** Collection, name, version; what else is there are words of the service. */
  vault(segments) {
    return segments.map((segment, at) => {
      const isWord =
        at === 0 ||
        /^(?:backup|contacts|create|decrypt|encrypt|import|issuers|merge|pending|policy|recover|release|restore)$/.test(
          segment,
        ) ||
        /^(?:rotate|rotationpolicy|sign|unwrapkey|verify|versions|wrapkey)$/.test(segment);
      return isWord ? segment : '{}';
    });
  },
  /** Words of Graph are letters alone; what else is there are names. */
  graph: ([, ...segments]) => segments.map((segment) => (/^[a-z$]+$/.test(segment) ? segment : '{}')),
  login: (segments) => segments.map((segment, at) => (at === 0 && segment !== 'common' ? '{}' : segment)),
};
