import { Type } from '@sinclair/typebox';
import type { TLiteral, TUnion } from '@sinclair/typebox';

const oneOf = <Name extends string>(...names: readonly Name[]): TUnion<TLiteral<Name>[]> =>
  Type.Union(names.map((name) => Type.Literal(name)));

/** Where queries may reach out to; of what is read back, `calloutId` is ignored. */
export const calloutPolicy = Type.Object({
  calloutUriRegex: Type.String({ minLength: 1, maxLength: 2048 }),
  calloutType: oneOf(
    'kusto',
    'sql',
    'cosmosdb',
    'external_data',
    'azure_digital_twins',
    'sandbox_artifacts',
    'webapi',
    'mysql',
    'postgresql',
    'genevametrics',
    'azure_openai',
  ),
  outboundAccess: oneOf('Allow', 'Deny'),
});

export const languageExtension = Type.Object({
  languageExtensionName: oneOf('PYTHON', 'R'),
  languageExtensionImageName: Type.Optional(
    oneOf(
      'R',
      'Python3_6_5',
      'Python3_10_8',
      'Python3_10_8_DL',
      'PythonCustomImage',
      'Python3_11_7',
      'Python3_11_7_DL',
    ),
  ),
  languageExtensionCustomImageName: Type.Optional(Type.String({ minLength: 1, maxLength: 260 })),
});
