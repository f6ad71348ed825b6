import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { templateLimits } from '../../src/templates/template.ts';
import { templateFunctions } from '../../src/templates/functions/all-functions.ts';
import { incompressibleText } from './incompressible.ts';
import { damaged } from './malformed.ts';

// Templates that are large, that grow, or that are near a limit, with a secure parameter whose value is to be seen nowhere.

/** The value of the parameter `secret`. */
export const secretText = 'canary-5d0c8f1e7b';

const around = (limit: number): fc.Arbitrary<number> =>
  fc.oneof({ arbitrary: fc.integer({ min: 0, max: 3 }), weight: 4 }, fc.integer({ min: limit - 1, max: limit + 1 }));

const members = (count: number, of: (at: number) => Json): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, of(at)]));

const deep = (levels: number): Json => {
  let value: Json = 'x';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

const plain = ["'a'", "''", '0', '-1', '800', '2147483648', 'null()', 'true()', 'createArray()', 'createObject()'];
const named = ["parameters('text')", "variables('v')", "variables('none')", "variables('large')", 'copyIndex()'];
const names = Object.keys(templateFunctions);

/** Without brackets around it. `secret` as well only where what comes of it is not shown. */
const expression = (leaves: readonly string[]): fc.Arbitrary<string> =>
  fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...leaves),
      fc
        .tuple(fc.constantFrom(...names), fc.array(tie('node'), { maxLength: 3 }))
        .map(([name, args]) => `${name}(${args.join(', ')})`),
      tie('node').map((of) => `map(range(0, 40), lambda('x', ${of}))`),
      fc.tuple(tie('node'), tie('node')).map(([of, at]) => `${of}[${at}]`),
    ),
  })).node;

const shown = expression([...plain, ...named]);
const hidden = expression([...plain, ...named, "parameters('secret')", "variables('hidden')"]);
/** Its limit is 24,576 characters. */
const long = fc
  .tuple(around(24_576), fc.constantFrom('x', "',''"))
  .map(([length, unit]) => `[concat('${unit.repeat(length).slice(0, Math.max(0, length - 11))}')]`);

const value: fc.Arbitrary<Json> = fc.oneof(
  { arbitrary: shown.map((text) => `[${text}]`), weight: 6 },
  { arbitrary: long, weight: 1 },
  { arbitrary: around(100).map(deep), weight: 1 },
  { arbitrary: fc.constantFrom(1_000, 300_000, 900_000).map((count) => 'x'.repeat(count)), weight: 1 },
  { arbitrary: fc.constantFrom(0.7, 1.1).map((share) => incompressibleText(share * 2 ** 20)), weight: 1 },
);

/** Loops in loops, as `copy` of an object makes arrays. */
const loops = (input: Json, counts: readonly number[]): Json =>
  counts.reduce<Json>((inner, count, at) => ({ copy: [{ name: `c${at}`, count, input: inner }] }), input);

const looped = fc.tuple(value, fc.array(around(800), { maxLength: 3 })).map(([input, counts]) => loops(input, counts));

const variables = fc
  .record({ v: fc.oneof(value, looped), large: looped, extra: around(templateLimits.variables - 3) })
  .map(({ v, large, extra }) => ({ v, large, hidden: "[parameters('secret')]", ...members(extra, () => 'x') }));

const identityResource = (count: number, tag: Json): JsonObject => ({
  type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
  apiVersion: '2023-01-31',
  name: "[concat('n', copyIndex())]",
  location: 'eastus',
  tags: { t: tag },
  copy: { name: 'l', count },
});

const nested = (levels: number, scope: string, count: number, leaf: JsonObject): JsonObject => {
  let resource = leaf;
  for (let level = 0; level < levels; level += 1) {
    resource = {
      type: 'Microsoft.Resources/deployments',
      apiVersion: '2022-09-01',
      name: `[concat('d${level}-', copyIndex())]`,
      copy: { name: `l${level}`, count: level === levels - 1 ? count : 1 },
      properties: {
        mode: 'Incremental',
        expressionEvaluationOptions: { scope },
        template: { $schema: 's', contentVersion: '1.0.0.0', resources: [resource] },
      },
    };
  }
  return resource;
};

const resource: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.tuple(around(800), value).map(([count, tag]) => identityResource(count, tag)),
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('inner', 'outer'), fc.integer({ min: 0, max: 4 }), value)
    .map(([levels, scope, count, tag]) => nested(levels, scope, count, identityResource(1, tag))),
  fc.constantFrom('all', 'l', 'none').map((before) => ({ ...identityResource(3, 'x'), dependsOn: [before] })),
);

const resources = fc.oneof(
  { arbitrary: fc.array(resource, { maxLength: 3 }), weight: 4 },
  around(templateLimits.resources).map((count) =>
    Array.from({ length: count }, (_, at) => ({ ...identityResource(1, 'x'), name: `many${at}`, copy: undefined })),
  ),
);

const outputs = fc
  .tuple(around(templateLimits.outputs), value, fc.constantFrom('secureString', 'secureObject'), hidden)
  .map(([count, open, type, secure]) => ({
    ...members(count, () => ({ type: 'string', value: 'x' })),
    open: { type: 'object', value: open },
    secure: { type, value: `[${secure}]` },
  }));

const parameters = around(templateLimits.parameters - 2).map((count) => ({
  text: { type: 'string', defaultValue: 'a text' },
  secret: { type: 'secureString' },
  ...members(count, () => ({ type: 'int', defaultValue: 1 })),
}));

/** The body of a request to deploy one, now and then with something wrong in it. */
export const randomDeployment: fc.Arbitrary<Json> = fc
  .record({ parameters, variables, resources, outputs })
  .chain((parts) => {
    const template = { $schema: 's', contentVersion: '1.0.0.0', ...parts } as unknown as Json;
    return fc.oneof({ arbitrary: fc.constant(template), weight: 3 }, damaged(template));
  })
  .map((template) => ({
    properties: { mode: 'Incremental', template, parameters: { secret: { value: secretText } } },
  }));
