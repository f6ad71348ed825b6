/** Holds what a suite came to against what is expected of it.
 * @param rules how many passed at least, and those that do not pass: title to reason
 * @param seen each test of it that began: its title, its outcome (`passed`, `failed` or `skipped`), and what was wrong
 * @returns a sentence for each thing that is not as expected; none if all is */
export function judgeSuite({ passed, failing, skipped }, seen) {
  const titlesOf = (outcome) => seen.filter((test) => test.outcome === outcome).map(({ title }) => title);
  const unlisted = (outcome, listed) =>
    seen
      .filter((test) => test.outcome === outcome && !Object.hasOwn(listed, test.title))
      .map(({ title, message }) => `${outcome}: ${title}${message === undefined ? '' : ` (${message})`}`);
  const listedButNot = (outcome, listed) => {
    const titles = new Set(titlesOf(outcome));
    return Object.keys(listed).flatMap((title) =>
      titles.has(title) ? [] : [`suites.json says that it is ${outcome}, and it is not: ${title}`],
    );
  };
  const count = titlesOf('passed').length;
  return [
    ...(count < passed ? [`${count} passed, where ${passed} must`] : []),
    ...(count > passed ? [`${count} passed, more than the ${passed} of suites.json: raise them`] : []),
    ...unlisted('failed', failing),
    ...unlisted('skipped', skipped),
    ...listedButNot('failed', failing),
    ...listedButNot('skipped', skipped),
  ];
}
