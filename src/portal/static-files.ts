import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

export interface StaticFile {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.md': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** `index.html`, or a file below `assets` whose name has a hash of what it holds. There is no other way to write a path, and none that is too
 * long for a file system. */
const names = /^(?=.{1,200}$)(?:assets\/)?\w[\w-]*(?:\.[\w-]+)+$/;
const decompress = promisify(brotliDecompress);

/** A file of the built portal, as the build has compressed it when the client takes that.
 * @returns undefined when there is none by that name */
export async function readStatic(
  directory: string,
  name: string,
  acceptEncoding: string | undefined,
): Promise<StaticFile | undefined> {
  const type = types[extname(name)];
  if (!names.test(name) || type === undefined) return undefined;
  const headers = {
    'content-type': type,
    'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
  };
  const compressed = await readIfThere(join(directory, `${name}.br`));
  if (compressed === undefined) {
    const content = await readIfThere(join(directory, name));
    return content === undefined ? undefined : { content, headers };
  }
  return /\bbr\b/.test(acceptEncoding ?? '')
    ? { content: compressed, headers: { ...headers, 'content-encoding': 'br' } }
    : { content: await decompress(compressed), headers };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
