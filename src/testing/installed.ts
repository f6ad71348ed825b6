import { createRequire } from 'node:module';

/** The build says which kind of module this is part of. */
declare const builtAsCommonJs: boolean;

/** Loads a package of the user's own, from where this library is installed.
 * @throws Error that says what to install */
export async function installed<T>(name: string): Promise<T> {
  try {
    return (await load(name)) as T;
  } catch (error) {
    const { code, text } = described(error);
    const isMissing =
      code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || /^Cannot find module/.test(text);
    if (isMissing && text.includes(`'${name}'`))
      throw new Error(`This client is the one of '${name}', which is not installed: npm install --save-dev ${name}`, {
        cause: error,
      });
    throw error;
  }
}

/** As a CommonJS module, what the program's own require() gives, so that both have the same classes; packages that are ES modules alone
 * come by import(), which Jest has only when it is started for it. */
async function load(name: string): Promise<unknown> {
  if (!builtAsCommonJs) return import(name);
  try {
    return createRequire(import.meta.url)(name);
  } catch (error) {
    if (!isEsModuleOnly(error)) throw error;
  }
  try {
    return await import(name);
  } catch (error) {
    if (described(error).code === 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG')
      throw new Error(`'${name}' is an ES module: start Jest with NODE_OPTIONS=--experimental-vm-modules.`, {
        cause: error,
      });
    throw error;
  }
}

function isEsModuleOnly(error: unknown): boolean {
  const { code, name, text } = described(error);
  return code === 'ERR_REQUIRE_ESM' || name === 'SyntaxError' || /Must use import to load ES Module/.test(text);
}

/** In Jest an error may be one of another realm, and no instance of our `Error`. */
function described(error: unknown): { readonly code: unknown; readonly name: unknown; readonly text: string } {
  const { code, name, message } = (typeof error === 'object' && error !== null ? error : {}) as Partial<
    Record<'code' | 'name' | 'message', unknown>
  >;
  return { code, name, text: typeof message === 'string' ? message : String(error) };
}
