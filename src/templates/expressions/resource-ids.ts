/** The id of a resource below a scope: of type `Microsoft.Kusto/clusters/databases` with names `c`, `d`. */
export function idBelow(scope: string, type: string, names: readonly string[]): string {
  const [namespace = '', ...types] = type.split('/');
  const pairs = types.map((part, at) => `${part}/${names[at] ?? ''}`);
  return `${scope.replace(/\/+$/, '')}/providers/${namespace}/${pairs.join('/')}`;
}
