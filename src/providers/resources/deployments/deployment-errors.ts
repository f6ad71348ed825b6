import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import { armErrors } from '../../../arm/arm-errors.ts';
import type { Json } from '../../../base/json.ts';
import { positionInJson, sourceOf } from '../../../base/relaxed-json.ts';
import type { Position } from '../../../base/relaxed-json.ts';
import { NotBuiltInTemplates, TemplateError } from '../../../templates/expressions/template-error.ts';
import { EvaluationEnded, TooManyEvaluations } from '../../../templates/thread/evaluation-thread.ts';

const row =
  <Values extends readonly unknown[]>(status: number, code: string, text: (...values: Values) => string) =>
  (...values: Values): ArmError =>
    new ArmError(status, code, text(...values));

/** Refusals of deployments, with the texts that public issue trackers and recordings quote. */
export const deploymentErrors = {
  DeploymentNotFound: row(404, 'DeploymentNotFound', (name: string) => `Deployment '${name}' could not be found.`),
  DeploymentOperationNotFound: row(
    404,
    'DeploymentOperationNotFound',
    (id: string) => `Deployment operation '${id}' could not be found.`,
  ),
  DeploymentActive: row(
    409,
    'DeploymentActive',
    (id: string) =>
      `The deployment with resource id '${id}' cannot be saved, because this would overwrite an existing deployment which is still active. Please see https://aka.ms/arm-deploy for usage details.`,
  ),
  DeploymentBeingDeleted: row(
    409,
    'DeploymentActive',
    (id: string) => `The deployment with resource id '${id}' cannot be deleted, because it is still active.`,
  ),
  DeploymentCannotBeCancelled: row(
    409,
    'DeploymentCannotBeCancelled',
    (name: string, state: string) =>
      `The deployment '${name}' cannot be cancelled, because it is in provisioning state '${state}'.`,
  ),
  InvalidDeploymentName: row(
    400,
    'InvalidDeploymentName',
    (name: string) =>
      `The deployment name '${name}' is invalid: it must have 1 to 64 letters, digits, '-', '.', '_', '(' or ')'. Please see https://aka.ms/arm-deploy for usage details.`,
  ),
  LocationRequired: row(
    400,
    'LocationRequired',
    (name: string) =>
      `The 'location' property must be specified for '${name}'. Please see https://aka.ms/deployatsubscription for usage details.`,
  ),
  LocationNotAllowed: row(
    400,
    'InvalidDeployment',
    (name: string) =>
      `The 'location' property is not allowed for '${name}' at resource group scope. Please see https://aka.ms/arm-deployment-subscription for usage details.`,
  ),
  InvalidDeploymentLocation: row(
    409,
    'InvalidDeploymentLocation',
    (name: string, sent: string, held: string) =>
      `Invalid deployment location '${sent}'. The deployment '${name}' already exists in location '${held}'.`,
  ),
  InvalidMode: row(
    400,
    'InvalidRequestContent',
    () =>
      "The request content was invalid and could not be deserialized: the property 'mode' must be 'Incremental' or 'Complete'.",
  ),
  CompleteModeOnlyInGroups: row(
    400,
    'DeploymentModeNotSupported',
    () =>
      "The deployment mode 'Complete' is supported only for deployments at resource group scope. Please see https://aka.ms/arm-deployment-modes for usage details.",
  ),
  TemplateRequired: row(
    400,
    'InvalidTemplate',
    () =>
      "Deployment template validation failed: 'The template is missing. Either a template or a template link is required.'.",
  ),
  ContentLinkFailed: row(
    400,
    'InvalidContentLink',
    (uri: string, trackingId: string) =>
      `Unable to download deployment content from '${uri}'. The tracking Id is '${trackingId}'. Please see https://aka.ms/arm-deploy for usage details.`,
  ),
  ContentLinkInvalid: row(
    400,
    'InvalidContentLink',
    (link: string) =>
      `The provided content link '${link}' is invalid or not supported. Content link must be an absolute URI not referencing local host or UNC path.`,
  ),
  // Documented that the version is compared, without the text.
  ContentVersionMismatch: row(
    400,
    'InvalidTemplate',
    (uri: string, expected: string, found: string) =>
      `Deployment template validation failed: 'The content of '${uri}' has the version '${found.slice(0, 100)}', and the link expects '${expected.slice(0, 100)}'.'.`,
  ),
  ContentAndLink: row(
    400,
    'InvalidRequestContent',
    (member: string) => `The request content was invalid: '${member}' and '${member}Link' cannot both be specified.`,
  ),
  TooManyContentLinks: row(
    400,
    'InvalidContentLink',
    (limit: number) => `The templates of a deployment name more than ${limit} addresses.`,
  ),
  TooManyResources: row(
    400,
    'InvalidTemplate',
    (limit: number) =>
      `Deployment template validation failed: 'The number of template resources limit exceeded. Limit: '${limit}'. Please see https://aka.ms/arm-syntax for usage details.'.`,
  ),
  // Listed among the common errors of deployments; its text is not documented.
  DeploymentJobSizeExceeded: row(
    400,
    'DeploymentJobSizeExceeded',
    (what: string, limit: number) =>
      `The ${what} of the deployment would be larger than ${limit} bytes. Please see https://aka.ms/arm-common-errors for usage details.`,
  ),
  NestedTooDeep: row(
    400,
    'InvalidTemplate',
    (limit: number) => `Deployment template validation failed: 'Nested deployments go deeper than ${limit} levels.'.`,
  ),
  InvalidSecretReference: row(
    400,
    'InvalidTemplate',
    (name: string) =>
      `Deployment template validation failed: 'The reference of the parameter '${name}' is not valid: it takes the id of a vault ('keyVault.id'), a 'secretName' and, if wanted, a 'secretVersion', and no value beside it. Please see https://aka.ms/arm-keyvault for usage details.'.`,
  ),
  InvalidOnError: row(
    400,
    'InvalidRequestContent',
    () =>
      "The request content was invalid: 'onErrorDeployment' has the type 'LastSuccessful', or 'SpecificDeployment' and a 'deploymentName'.",
  ),
  OnErrorNotAllowed: row(
    400,
    'InvalidDeployment',
    () =>
      "The property 'onErrorDeployment' is allowed only for deployments at resource group scope that are not nested.",
  ),
  NoSuccessfulDeployment: row(
    404,
    'DeploymentNotFound',
    () => "No earlier deployment of the resource group has succeeded: 'onErrorDeployment' has nothing to deploy again.",
  ),
  OnErrorNotSucceeded: row(
    400,
    'InvalidOnErrorDeployment',
    (name: string, state: string) =>
      `The deployment '${name}' of 'onErrorDeployment' cannot be deployed again: it is in provisioning state '${state}'.`,
  ),
  DeploymentQuotaExceeded: row(
    409,
    'DeploymentQuotaExceeded',
    (name: string, quota: number) =>
      `Creating the deployment '${name}' would exceed the quota of '${quota}'. The current deployment count is '${quota}', please delete some deployments before creating a new one. Please see https://aka.ms/arm-deploy for usage details.`,
  ),
  DeploymentLocationQuotaExceeded: row(
    409,
    'DeploymentQuotaExceeded',
    (name: string, quota: number, locations: readonly string[]) =>
      `Creating the deployment '${name}' would exceed the deployment location quota. The current scope allows deployments to be created in at most '${quota}' locations. The following locations are used for deployments: '${locations.join(',').toUpperCase()}'. Please create your deployment in other locations. Please see https://aka.ms/arm-deploy-resources for usage details.`,
  ),
  TooManyDeployments: row(
    429,
    'TooManyRequests',
    () => 'Too many deployments are active at the same time. Retry the request later.',
  ),
  TooManyEvaluations: row(
    429,
    'TooManyRequests',
    () => 'Too many large templates are being evaluated at the same time. Retry the request later.',
  ),
  EvaluationEnded: row(
    409,
    'Canceled',
    () => 'The evaluation of the template was ended, because nobody waits for it any more.',
  ),
} as const;

/** What a client is told of a mistake in a template: code `InvalidTemplate`, and where it stands, if that is known.
 * @param wording of the service, by what was done when it showed */
export function invalidTemplate(
  error: TemplateError,
  position: Position | undefined,
  wording: 'validation' | 'language' = 'validation',
): ArmError {
  const at = position === undefined ? '' : ` at line '${position.line}' and column '${position.column}'`;
  const text = error.message.replace('{at}', at);
  const message =
    wording === 'validation'
      ? `Deployment template validation failed: '${text}'.`
      : `Deployment template language expression evaluation failed: '${text}'. Please see https://aka.ms/arm-template-expressions for usage details.`;
  const info = {
    lineNumber: position?.line ?? 0,
    linePosition: position?.column ?? 0,
    path: error.path === undefined ? '' : ['properties', 'template', ...error.path].join('.'),
  };
  return new ArmError(400, 'InvalidTemplate', message, { additionalInfo: [{ type: 'TemplateViolation', info }] });
}

/** @param body as it came, from whose text lines are counted */
async function positionOf(error: TemplateError, body: Json | undefined): Promise<Position | undefined> {
  if (error.path === undefined || typeof body !== 'object' || body === null) return undefined;
  const text = sourceOf(body);
  return text === undefined ? undefined : positionInJson(text, ['properties', 'template', ...error.path]);
}

/** Runs what reads a template, and says its mistakes as the service does. */
export async function withTemplateErrors<T>(body: Json | undefined, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof NotBuiltInTemplates) throw armErrors.NotImplemented(error.message);
    if (error instanceof TemplateError) throw invalidTemplate(error, await positionOf(error, body));
    throw evaluationRefusal(error) ?? error;
  }
}

/** @returns what is said of an evaluation that was not carried to its end; undefined for another error */
export function evaluationRefusal(error: unknown): ArmError | undefined {
  if (error instanceof TooManyEvaluations) return deploymentErrors.TooManyEvaluations();
  return error instanceof EvaluationEnded ? deploymentErrors.EvaluationEnded() : undefined;
}

export const detailOf = (error: ArmError): ArmErrorDetail => ({
  code: error.code,
  ...(error.extra.target === undefined ? {} : { target: error.extra.target }),
  message: error.message,
  ...(error.extra.details === undefined ? {} : { details: error.extra.details }),
});

/** What a failed deployment shows. */
export const deploymentFailed = (id: string, details: readonly ArmErrorDetail[]): ArmErrorDetail => ({
  code: 'DeploymentFailed',
  target: id,
  message:
    'At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.',
  details,
});

/** What was not allowed, before anything was deployed. */
export function notAuthorized(
  refused: readonly { readonly type: string; readonly name: string; readonly error: ArmError }[],
): ArmError {
  const texts = refused.map(({ type, name, error }) => {
    const action = /action '([^']*)'/.exec(error.message)?.[1] ?? '';
    const scope = /scope '([^']*)'/.exec(error.message)?.[1] ?? '';
    const who = /^(The client '[^']*' with object id '[^']*')/.exec(error.message)?.[1] ?? 'The client';
    return `Authorization failed for template resource '${name}' of type '${type}'. ${who} does not have permission to perform action '${action}' at scope '${scope}'.`;
  });
  const message =
    texts.length === 1
      ? `The template deployment failed with error: '${texts[0] ?? ''}'.`
      : `Deployment failed with multiple errors: '${texts.join(':')}'`;
  return new ArmError(403, 'InvalidTemplateDeployment', message);
}
