import { ArmError } from '../../../arm/arm-error.ts';
import { armErrors } from '../../../arm/arm-errors.ts';
import { newGuid } from '../../../base/new-guid.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject, textMember } from '../../../base/json.ts';
import { OutwardError } from '../../../http/outward-json.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors } from './deployment-errors.ts';

/** Where the parts of a deployment come from that were not sent with it, as answers show it: without the query, in which a key may stand. */
export interface ContentLinks {
  readonly templateLink?: ContentLink;
  readonly parametersLink?: ContentLink;
}

export interface ContentLink {
  readonly uri: string;
  readonly contentVersion?: string;
}

/** What one request has read so far, by address. */
export type ReadContent = Map<string, Json>;

type Dependencies = Pick<DeploymentDependencies, 'randomBytes' | 'readContent'>;

/** Addresses that the templates of one request may name. */
const addressesMax = 20;

/** The body of a request with what its links lead to in place of them.
 * @param above where the template around it comes from, for addresses relative to that
 * @throws ArmError 400 `InvalidContentLink` for what is not let through or cannot be read; 501 for a template spec */
export async function withLinkedContent(
  deps: Dependencies,
  sent: Json | undefined,
  read: ReadContent,
  above?: ContentLink,
): Promise<{ readonly body: Json | undefined; readonly links: ContentLinks }> {
  const properties = isJsonObject(sent) ? sent['properties'] : undefined;
  if (!isJsonObject(sent) || !isJsonObject(properties)) return { body: sent, links: {} };
  const templateLink = await follow(deps, properties, 'template', read, above);
  const parametersLink = await follow(deps, properties, 'parameters', read, above);
  if (templateLink === undefined && parametersLink === undefined) return { body: sent, links: {} };
  const next = {
    ...Object.fromEntries(Object.entries(properties).filter(([name]) => !/^(template|parameters)Link$/.test(name))),
    ...(templateLink === undefined ? {} : { template: templateLink.content }),
    ...(parametersLink === undefined ? {} : { parameters: parametersLink.content }),
  };
  return {
    body: { ...sent, properties: next },
    links: {
      ...(templateLink === undefined ? {} : { templateLink: templateLink.link }),
      ...(parametersLink === undefined ? {} : { parametersLink: parametersLink.link }),
    },
  };
}

async function follow(
  deps: Dependencies,
  properties: JsonObject,
  member: 'template' | 'parameters',
  read: ReadContent,
  above: ContentLink | undefined,
): Promise<{ readonly content: JsonObject; readonly link: ContentLink } | undefined> {
  const link = properties[`${member}Link`];
  if (!isJsonObject(link)) return undefined;
  if (isJsonObject(properties[member])) throw deploymentErrors.ContentAndLink(member);
  if (textMember(link, 'id') !== '') throw armErrors.NotImplemented('template specs');
  const url = addressOf(link, above);
  const content = await contentAt(deps, url, read);
  const contentVersion = textMember(link, 'contentVersion');
  const found = textMember(content, 'contentVersion');
  if (contentVersion !== '' && contentVersion !== found)
    throw deploymentErrors.ContentVersionMismatch(shown(url), contentVersion, found);
  return { content, link: { uri: shown(url), ...(contentVersion === '' ? {} : { contentVersion }) } };
}

/** By `uri`, or by `relativePath` beside the template around it, each with a `queryString` if it has one. */
function addressOf(link: JsonObject, above: ContentLink | undefined): URL {
  const [uri, relativePath, query] = [
    textMember(link, 'uri'),
    textMember(link, 'relativePath'),
    textMember(link, 'queryString'),
  ];
  if (uri !== '' && relativePath !== '') throw deploymentErrors.ContentLinkInvalid(uri);
  const url = uri === '' ? relative(relativePath, above) : URL.parse(uri);
  if (url?.protocol !== 'https:' || isLocal(url.hostname))
    throw deploymentErrors.ContentLinkInvalid((uri === '' ? relativePath : uri).slice(0, 1_000));
  if (query !== '') url.search = query;
  return url;
}

const relative = (path: string, above: ContentLink | undefined): URL | null =>
  path === '' || above === undefined ? null : URL.parse(path, above.uri);

const isLocal = (host: string): boolean =>
  /^(.+\.)?localhost\.?$/i.test(host) || /^127\./.test(host) || host === '[::1]' || host === '';

async function contentAt({ readContent, randomBytes }: Dependencies, url: URL, read: ReadContent): Promise<JsonObject> {
  const held = read.get(url.href);
  if (isJsonObject(held)) return held;
  if (read.size >= addressesMax) throw deploymentErrors.TooManyContentLinks(addressesMax);
  try {
    const content = (await readContent(url.href)) as Json;
    if (!isJsonObject(content)) throw new OutwardError('failed', url.host, 'It is no JSON object.');
    read.set(url.href, content);
    return content;
  } catch (error) {
    if (!(error instanceof OutwardError)) throw error;
    const refusal = deploymentErrors.ContentLinkFailed(shown(url), newGuid(randomBytes));
    const message =
      error.reason === 'notAllowed'
        ? `Kustody reads content only from hosts that are let through: start it with --allow ${error.host}`
        : error.message;
    throw new ArmError(refusal.status, refusal.code, refusal.message, { details: [{ code: 'NotRead', message }] });
  }
}

const shown = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

export const shownLinks = ({ templateLink, parametersLink }: ContentLinks): JsonObject => ({
  ...(templateLink === undefined ? {} : { templateLink: { ...templateLink } }),
  ...(parametersLink === undefined ? {} : { parametersLink: { ...parametersLink } }),
});
