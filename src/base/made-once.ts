/** A function of immutable objects that makes what belongs to one once, and forgets it with the object. */
export function madeOnce<Given extends object, Made>(make: (given: Given) => Made): (given: Given) => Made {
  const made = new WeakMap<Given, { readonly value: Made }>();
  return (given) => {
    const before = made.get(given);
    if (before !== undefined) return before.value;
    const value = make(given);
    made.set(given, { value });
    return value;
  };
}
