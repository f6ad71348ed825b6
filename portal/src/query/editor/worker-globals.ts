// The language service looks for its global object under the name that Node.js has for it.
Object.assign(self, { global: self });
export {};
