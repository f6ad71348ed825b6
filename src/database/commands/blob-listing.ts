import { KqlError } from '../../kql/plan/kql-error.ts';
import { unquote } from '../../kql/values/string-literals.ts';
import type { DatetimePattern } from '../catalog/datetime-pattern.ts';
import { matchDatetime, parseDatetimePattern, renderDatetime } from '../catalog/datetime-pattern.ts';
import type { DataSource } from '../ingest/data-source.ts';
import type { Command } from './command.ts';

/** Which blobs `.list blobs` names. */
export interface BlobListing {
  /** A container, or the beginning of names in it, with what it is read with. */
  readonly locator: string;
  readonly suffix: string;
  /** Undefined: all. */
  readonly max: number | undefined;
  readonly pathFormat: PathFormat | undefined;
}

/** What stands somewhere in a path, with the time when the data was made. */
type PathFormat = readonly (string | DatetimePattern)[];

export interface ListedBlob {
  /** Without what it is read with. */
  readonly uri: string;
  /** With it. */
  readonly address: string;
  readonly bytes: number;
  /** Ticks. Undefined: its path does not say when it was made, or nobody asked. */
  readonly createdAt: bigint | undefined;
}

/** @throws KqlError for what is not written as the page says */
export function blobListingOf(command: Command): BlobListing {
  const [locator, ...others] = command.all('Locator');
  if (locator === undefined || others.length > 0)
    throw new KqlError('semantic', '.list blobs takes one storage connection string.');
  const { Suffix, MaxFiles, PathFormat } = command.properties(['Suffix', 'MaxFiles', 'PathFormat']);
  if (MaxFiles !== undefined && !/^[1-9]\d{0,8}$/.test(MaxFiles))
    throw new KqlError('semantic', 'MaxFiles is a whole number of blobs, at least 1.');
  return {
    ...{ locator, suffix: Suffix ?? '', max: MaxFiles === undefined ? undefined : Number(MaxFiles) },
    pathFormat: PathFormat === undefined ? undefined : parsePathFormat(PathFormat),
  };
}

const literal = String.raw`h?@?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`;

/** `("logs/year=" datetime_pattern("yyyy'/month='MM", creationTime) "/")` */
function parsePathFormat(text: string): PathFormat {
  const wrong = new KqlError('syntax', `PathFormat=${text.slice(0, 200)} cannot be read.`);
  const [, inside] = /^\(\s*(.*?)\s*\)$/su.exec(text) ?? [];
  const parts: (string | DatetimePattern)[] = [];
  const token = new RegExp(
    String.raw`(?:(${literal})|datetime_pattern\s*\(\s*(${literal})\s*,\s*(\w+)\s*\))\s*`,
    'iuy',
  );
  for (let rest = inside ?? ''; rest !== '';) {
    token.lastIndex = 0;
    const [whole, fixed, pattern, name] = token.exec(rest) ?? [];
    if (whole === undefined) throw wrong;
    if (name !== undefined && name.toLowerCase() !== 'creationtime')
      throw new KqlError('semantic', `PathFormat captures creationTime alone, not '${name.slice(0, 100)}'.`);
    parts.push(fixed === undefined ? parseDatetimePattern(unquote(pattern ?? '')) : unquote(fixed));
    rest = rest.slice(whole.length);
  }
  if (parts.filter((part) => typeof part !== 'string').length !== 1) throw wrong;
  return parts;
}

/** What an address leads to, where it is known what for. */
type LocatedSource = (address: string) => DataSource;

/** The blobs that a listing names, as they are asked for. @throws DataError `SourceNotAllowed` | `SourceFailed` */
export async function* listedBlobs(
  { locator, suffix, max, pathFormat }: BlobListing,
  sourceOf: LocatedSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedBlob> {
  const { folder, files } = below(locator, sourceOf, signal);
  let count = 0;
  for await (const { path, bytes, source } of files) {
    if (!path.endsWith(suffix)) continue;
    if (max !== undefined && count >= max) return;
    count += 1;
    const createdAt = pathFormat && momentIn(pathFormat, source.name.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*\//i, ''));
    yield { uri: source.name, address: addressBelow(folder, path), bytes, createdAt };
  }
}

/** What stands before `?` or `;`, and the rest. */
function divided(address: string): readonly [place: string, proof: string] {
  const at = address.search(/[?;]/);
  return at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at)];
}

/** The folder that is listed: an address names a container or the beginning of names, and only the storage knows folders. */
function below(locator: string, sourceOf: LocatedSource, signal: AbortSignal | undefined) {
  const [place, proof] = divided(locator);
  const [, parent, last] = /^(.*[^/:]\/)([^/]+)$/.exec(place) ?? [];
  const folder = `${parent ?? ''}${proof}`;
  const named = parent === undefined ? undefined : sourceOf(folder).below?.(decoded(last ?? ''), signal);
  if (named !== undefined) return { folder, files: named };
  const source = sourceOf(locator);
  if (source.below === undefined) throw new KqlError('semantic', `'${source.name}' is no container of storage.`);
  return { folder: locator, files: source.below('', signal) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a file below a folder, with what the folder is read with. */
function addressBelow(folder: string, path: string): string {
  const [place, proof] = divided(folder);
  return `${place.replace(/\/+$/, '')}/${path.split('/').map(encodeURIComponent).join('/')}${proof}`;
}

/** Where a folder begins, for the first that fits. */
function momentIn(format: PathFormat, path: string): bigint | undefined {
  for (let at = 0; at >= 0 && at < path.length; at = nextFolder(path, at)) {
    const found = momentAt(format, path, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nextFolder(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash < 0 ? -1 : slash + 1;
}

function momentAt(format: PathFormat, path: string, from: number): bigint | undefined {
  let at = from;
  let moment: bigint | undefined;
  for (const part of format) {
    if (typeof part === 'string') {
      if (!path.startsWith(part, at)) return undefined;
      at += part.length;
      continue;
    }
    const found = matchDatetime(part, path, at);
    if (found === undefined) return undefined;
    ({ ticks: moment, end: at } = found);
  }
  return moment;
}

const american = parseDatetimePattern("MM'/'dd'/'yyyy' 'HH':'mm':'ss");
const iso = parseDatetimePattern("yyyy'-'MM'-'dd'T'HH':'mm':'ss'Z'");

/** As `CapturedVariables` has it. */
export const capturedText = ({ createdAt }: ListedBlob): string =>
  JSON.stringify(createdAt === undefined ? {} : { creationTime: renderDatetime(american, createdAt) });

/** As an ingestion property. */
export const creationTimeText = (createdAt: bigint): string => renderDatetime(iso, createdAt);
