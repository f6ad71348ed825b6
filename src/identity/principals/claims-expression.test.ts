import { describe, expect, it } from 'vitest';
import { claimsHold, parseClaimsExpression } from './claims-expression.ts';

const github = 'https://token.actions.githubusercontent.com';
const holds = (text: string, claims: Record<string, string | number>): boolean | undefined => {
  const parsed = parseClaimsExpression(text, github);
  return parsed && claimsHold(parsed, claims);
};

describe('an expression over claims', () => {
  // The first four are of the service's own documentation.
  it.each([
    [
      "claims['sub'] matches 'repo:contoso/contoso-repo:ref:refs/heads/*'",
      'repo:contoso/contoso-repo:ref:refs/heads/main',
    ],
    [
      "claims['sub'] matches 'repo:contoso/contoso-repo-*:ref:refs/heads/????'",
      'repo:contoso/contoso-repo-a:ref:refs/heads/main',
    ],
    [
      "claims['sub'] eq 'repo:contoso/contoso-repo:ref:refs/heads/main'",
      'repo:contoso/contoso-repo:ref:refs/heads/main',
    ],
    ["claims['sub'] eq 'a' and claims['job_workflow_ref'] matches 'foo-org/*@refs/heads/main'", 'a'],
    ["claims['sub'] matches '*'", ''],
    ["claims['sub'] matches 'a*b*c'", 'abbcbc'],
    ["claims['sub'] eq 'it''s'", "it's"],
    ["claims['sub'] matches '*.*'", '.'],
  ])('holds: %s', (text, sub) => {
    expect(holds(text, { sub, job_workflow_ref: 'foo-org/bar-repo/.github/workflows/a.yml@refs/heads/main' })).toBe(
      true,
    );
  });

  it.each([
    ["claims['sub'] matches 'repo:*:ref:refs/heads/????'", 'repo:a:ref:refs/heads/master'],
    ["claims['sub'] matches 'a.c'", 'abc'],
    ["claims['sub'] matches 'repo:octo/*'", 'repo:octo'],
    ["claims['sub'] matches 'A*'", 'abc'],
    ["claims['sub'] eq 'a*'", 'abc'],
    ["claims['sub'] eq 'a' and claims['job_workflow_ref'] eq 'b'", 'a'],
  ])('does not hold: %s of %s', (text, sub) => {
    expect(holds(text, { sub })).toBe(false);
    expect(holds(text, {})).toBe(false);
    expect(holds(text, { sub: 1 })).toBe(false);
  });

  it.each([
    '',
    "claims['sub'] like 'a'",
    "claims['sub']  eq 'a'",
    'claims[\'sub\'] eq "a"',
    "claims['sub'] eq ''",
    "claims['sub'] eq 'a' or claims['sub'] eq 'b'",
    "claims['sub'] eq 'a' and ",
    "claims['sub'] eq 'it's'",
    "claims['repository'] eq 'a'",
    "claims['__proto__'] eq 'a'",
    "not claims['sub'] eq 'a'",
  ])('is none: %s', (text) => {
    expect(parseClaimsExpression(text, github)).toBeUndefined();
  });

  it('is of an issuer for which the language is there, and of its claims', () => {
    const [sub, workflow] = ["claims['sub'] eq 'a'", "claims['job_workflow_ref'] eq 'a'"];
    expect(parseClaimsExpression(sub, 'https://gitlab.com')).toHaveLength(1);
    expect(parseClaimsExpression(sub, 'https://app.terraform.io')).toHaveLength(1);
    expect(parseClaimsExpression(workflow, 'https://gitlab.com')).toBeUndefined();
    expect(parseClaimsExpression(sub, 'https://oidc.example.org')).toBeUndefined();
  });

  it('is matched in a time that the product of the lengths bounds', () => {
    const pattern = `${'*a'.repeat(250)}b`;
    expect(holds(`claims['sub'] matches '${pattern}'`, { sub: 'a'.repeat(20_000) })).toBe(false);
  });
});
