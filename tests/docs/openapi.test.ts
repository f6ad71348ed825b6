import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hasModules, pythonIn } from '../support/python.ts';
import { openApi } from './api-page.ts';

/** Of openapi-spec-validator, by the schema of OpenAPI 3.1 itself and the rules that no schema can tell: documents in, the first
 * complaint about each out, or null. */
const validator = `
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
def complaint(document):
    error = next(OpenAPIV31SpecValidator(document).iter_errors(), None)
    return None if error is None else error.message
json.dump([complaint(one) for one in json.load(sys.stdin)], sys.stdout)
`;

interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
}

/** The document, spoilt at one place. */
function spoilt(spoil: (document: Document) => void): Document {
  const document = structuredClone(openApi()) as Document;
  spoil(document);
  return document;
}

const operation = ({ paths }: Document, path: string): Record<string, unknown> => {
  const found = paths[path]?.['get'];
  if (found === undefined) throw new Error(`No GET ${path}.`);
  return found;
};

describe.skipIf(!hasModules(pythonIn('openapi'), ['openapi_spec_validator']))('docs/openapi.json', () => {
  it('is OpenAPI 3.1 to a validator that others made, which sees what is wrong', () => {
    const documents = [
      openApi(),
      spoilt((one) => (operation(one, '/readyz')['operationId'] = 'getHealthz')),
      spoilt((one) => delete operation(one, '/clusters/{cluster}/extents/{extent}')['parameters']),
      spoilt((one) => (operation(one, '/status')['responses'] = { 200: { content: {} } })),
    ];
    const told = execFileSync(pythonIn('openapi'), ['-c', validator], {
      input: JSON.stringify(documents),
      encoding: 'utf8',
    });
    expect(JSON.parse(told)).toEqual([
      null,
      expect.stringMatching(/'getHealthz'.* is not unique/),
      expect.stringMatching(/Path parameter 'cluster' .* was not resolved/),
      expect.stringMatching(/'description' is a required property/),
    ]);
  });
});
