import { parseGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { graphErrors } from './graph-error.ts';
import { graphHost } from './graph-operation.ts';
import type { GraphRequest } from './graph-operation.ts';

const textCharsMax = 1024;
const listItemsMax = 256;

/** Reads the members of a body; each reader throws the GraphError 400 that names the member. */
export class BodyReader {
  readonly #body: JsonObject;
  readonly #resource: string;
  readonly #itemsMax: number;
  readonly #shown: JsonObject;
  /** @param shown what is changed, as it is shown: clients send back what they read */
  constructor(body: Json | undefined, resource: string, itemsMax = listItemsMax, shown: JsonObject = {}) {
    if (!isJsonObject(body))
      throw graphErrors.malformed(
        'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
      );
    this.#body = body;
    this.#resource = resource;
    this.#itemsMax = itemsMax;
    this.#shown = shown;
  }

  /** What is neither read here nor known to be left out is refused: nothing is taken in silence. A member of the second list may be
   * there when it says nothing (`null`, an empty list or object), and any may that says what is shown, since it changes nothing. */
  refuseOthers(known: readonly string[], notBuilt: readonly string[]): void {
    for (const [name, value] of Object.entries(this.#body)) {
      if (known.includes(name) || name.startsWith('@odata.type')) continue;
      if (saysNoMore(value ?? null, this.#shown[name])) continue;
      if (!notBuilt.includes(name)) throw graphErrors.unknownProperty(name);
      if (!isEmpty(value ?? null)) throw graphErrors.notBuilt(`the property '${name}' of '${this.#resource}'`);
    }
  }

  has(name: string): boolean {
    return this.#body[name] !== undefined;
  }

  /** @returns undefined when missing or null */
  text(name: string, charsMax = textCharsMax): string | undefined {
    const value = this.#body[name] ?? null;
    if (value === null) return undefined;
    if (typeof value !== 'string' || value.length > charsMax) throw graphErrors.invalidValue(name, this.#resource);
    return value;
  }

  requiredText(name: string, charsMax = 256): string {
    const value = this.text(name, charsMax);
    if (value === undefined || value.trim() === '') throw graphErrors.required(name, this.#resource);
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#body[name] ?? null;
    if (value === null) return undefined;
    if (typeof value !== 'boolean') throw graphErrors.invalidValue(name, this.#resource);
    return value;
  }

  texts(name: string): readonly string[] | undefined {
    const items = this.list(name);
    if (items === undefined) return undefined;
    return items.map((item) => {
      if (typeof item !== 'string' || item.length > textCharsMax) throw graphErrors.invalidValue(name, this.#resource);
      return item;
    });
  }

  list(name: string): readonly Json[] | undefined {
    const value = this.#body[name] ?? null;
    if (value === null) return undefined;
    if (!Array.isArray(value) || value.length > this.#itemsMax) throw graphErrors.invalidValue(name, this.#resource);
    return value as readonly Json[];
  }

  object(name: string): BodyReader | undefined {
    const value = this.#body[name] ?? null;
    if (value === null) return undefined;
    if (!isJsonObject(value)) throw graphErrors.invalidValue(name, this.#resource);
    const shown = this.#shown[name];
    return new BodyReader(value, this.#resource, this.#itemsMax, isJsonObject(shown) ? shown : {});
  }

  time(name: string): Instant | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
    const at = isTime ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(at)) throw graphErrors.invalidValue(name, this.#resource);
    return instant(at);
  }

  number(name: string): number | undefined {
    const value = this.#body[name] ?? null;
    if (value === null) return undefined;
    if (typeof value !== 'number') throw graphErrors.invalidValue(name, this.#resource);
    return value;
  }
}

const isEmpty = (value: Json): boolean =>
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (isJsonObject(value) && Object.values(value).every((member) => isEmpty(member ?? null)));

/** Whether each member that was sent has the value that is shown. */
function saysNoMore(sent: Json, shown: Json | undefined): boolean {
  if (Array.isArray(sent))
    return (
      Array.isArray(shown) &&
      sent.length === shown.length &&
      sent.every((item: Json, index) => saysNoMore(item, shown[index] as Json))
    );
  if (isJsonObject(sent))
    return isJsonObject(shown) && Object.entries(sent).every(([name, item]) => saysNoMore(item ?? null, shown[name]));
  return sent === shown;
}

/** `{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/{id}"}`. @throws GraphError 400 */
export function readReference(request: GraphRequest): Guid {
  const sent = isJsonObject(request.body) ? request.body['@odata.id'] : undefined;
  const url = typeof sent === 'string' ? URL.parse(sent) : null;
  const path = /^\/(?:v1\.0|beta)\/(?:directoryObjects|users|groups|servicePrincipals)\/([0-9a-f-]{36})$/i.exec(
    url?.pathname ?? '',
  );
  const id = url?.hostname === graphHost ? parseGuid(path?.[1] ?? '') : undefined;
  if (id === undefined)
    throw graphErrors.malformed("The property '@odata.id' is missing or is no reference to a directory object.");
  return id;
}
