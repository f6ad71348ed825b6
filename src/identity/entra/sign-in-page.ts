/** A page or a redirect, for people's browsers; everything else of Entra ID answers JSON. */
export class PageAnswer {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly html: string,
  ) {}
}

/** Nothing is loaded, framed or run, but for the one script of a page that sends a form on. */
const policy = (script: string): string =>
  `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; script-src ${script}`;

const page = (title: string, body: string, status = 200, script = "'none'"): PageAnswer =>
  new PageAnswer(
    status,
    {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy(script),
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    },
    `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body><h1>${escaped(title)}</h1>\n${body}\n</body></html>\n`,
  );

export const messagePage = (title: string, text: string, status = 200): PageAnswer =>
  page(title, `<p>${escaped(text)}</p>`, status);

interface SignInForm {
  readonly title: string;
  /** What went wrong the last time. */
  readonly error?: string | undefined;
  readonly userName?: string | undefined;
  /** With a field for the code that a device shows. */
  readonly userCode?: string | undefined;
  readonly hidden?: Readonly<Record<string, string>>;
}

/** Asks for user name and password, and sends them to the address that it came from. */
export function signInPage({ title, error, userName, userCode, hidden = {} }: SignInForm): PageAnswer {
  const field = (label: string, attributes: string): string =>
    `<p><label>${label}<br><input ${attributes}></label></p>`;
  const parts = [
    ...(error === undefined ? [] : [`<p role="alert">${escaped(error)}</p>`]),
    '<form method="post">',
    ...Object.entries(hidden).map(
      ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
    ),
    ...(userCode === undefined
      ? []
      : [field('Code', `name="user_code" value="${escaped(userCode)}" autocomplete="off" required`)]),
    field('User', `name="username" value="${escaped(userName ?? '')}" autocomplete="username" required`),
    field('Password', 'name="password" type="password" autocomplete="current-password" required'),
    '<p><button type="submit">Sign in</button></p></form>',
  ];
  return page(title, parts.join('\n'), error === undefined ? 200 : 400);
}

/** `response_mode=form_post`: the browser posts the answer to the client. @param nonce lets the one script run */
export function formPostPage(target: string, fields: Readonly<Record<string, string>>, nonce: string): PageAnswer {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  const body = `<form method="post" action="${escaped(target)}">\n${inputs.join('\n')}\n<p><button type="submit">Continue</button></p></form>\n<script nonce="${escaped(nonce)}">document.forms[0].submit();</script>`;
  return page('Working...', body, 200, `'nonce-${nonce}'`);
}

export const redirect = (location: string): PageAnswer => new PageAnswer(302, { location }, '');

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
