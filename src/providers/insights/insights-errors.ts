import { ArmError } from '../../arm/arm-error.ts';

const row =
  <Values extends readonly unknown[]>(status: number, code: string, text: (...values: Values) => string) =>
  (...values: Values): ArmError =>
    new ArmError(status, code, text(...values));

/** Answers of Microsoft.Insights; codes and texts as public issues quote them, unless a row says otherwise. */
export const insightsErrors = {
  ResourceTypeNotSupported: row(
    400,
    'ResourceTypeNotSupported',
    (type: string) => `The resource type '${type}' does not support diagnostic settings.`,
  ),
  CategoryNotSupported: row(400, 'BadRequest', (names: string) => `Category '${names}' is not supported.`),
  // Texts of this one and the next are as near.
  CategoryNotFound: row(404, 'NotFound', (name: string) => `The diagnostic settings category '${name}' was not found.`),
  SettingNotFound: row(404, 'ResourceNotFound', (id: string) => `The diagnostic setting '${id}' could not be found.`),
  InvalidSettingName: row(
    400,
    'BadRequest',
    (name: string) =>
      `The name '${name}' of the diagnostic setting is invalid: 1 to 260 characters, and none of < > * % & : \\ ? + /.`,
  ),
  SinkMissing: row(
    400,
    'BadRequest',
    () => 'At least one data sink needs to be specified: a diagnostic setting names where its events go.',
  ),
  NothingEnabled: row(
    400,
    'BadRequest',
    () => 'At least one category needs to be enabled, by its name or by its group.',
  ),
  MixedCategories: row(
    400,
    'BadRequest',
    () => 'Either categories or category groups can be enabled in one diagnostic setting, each of them once.',
  ),
  SinkInUse: row(
    409,
    'Conflict',
    (target: string, name: string, category: string) =>
      `Data sink '${target}' is already used in diagnostic setting '${name}' for category '${category}'. ` +
      "Data sinks can't be reused in different settings on the same category for the same resource.",
  ),
  LimitReached: row(
    409,
    'Conflict',
    (most: number) =>
      `The limit of ${most} diagnostic settings was reached. To create new diagnostic setting, delete an existing one.`,
  ),
  /** Ours. */
  NotBuilt: row(
    501,
    'NotImplemented',
    (what: string) =>
      `Kustody has not built ${what}. Events go to a database of a cluster: name it as the workspace, by its resource id ` +
      '(/subscriptions/…/providers/Microsoft.Kusto/clusters/{cluster}/databases/{database}).',
  ),
  CategoryNotBuilt: row(
    501,
    'NotImplemented',
    (name: string, type: string) =>
      `Kustody has not built the category '${name}' of ${type}. Azure would have accepted this request.`,
  ),
} as const;
