// What the suites import as `@azure/test-utils-recorder`, which is in no registry. It keeps what a service answered and plays it back; where
// TEST_MODE asks for neither, as here, it does nothing but let a test skip itself.
export const env = process.env;
export const setReplaceableVariables = () => undefined;
export const setReplacements = () => undefined;
export const record = (test) => ({ stop: () => undefined, skip: () => test.skip() });
