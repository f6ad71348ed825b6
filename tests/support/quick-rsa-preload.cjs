'use strict';
// `node --require` this: RSA keys of 2048 and 3072 bits are quick ones (`quick-rsa-pairs.cjs`), whatever asks Node.js for them. All else of the
// program is as it is. A server makes one at its start, and another for each key of a vault: each takes 0.2 s of a processor and more, a quarter
// of the start.
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');
const { promisify } = require('node:util');
const { isQuick, quickPrivateKey } = require('./quick-rsa-pairs.cjs');

const { createPublicKey, generateKeyPair, webcrypto } = crypto;

async function quickPair(bits) {
  const privateKey = await quickPrivateKey(bits);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const generated = promisify(generateKeyPair);
crypto.generateKeyPair = (type, options, done) => {
  if (type !== 'rsa' || !isQuick(options.modulusLength)) generateKeyPair(type, options, done);
  else quickPair(options.modulusLength).then(({ publicKey, privateKey }) => done(null, publicKey, privateKey), done);
};
crypto.generateKeyPair[promisify.custom] = (type, options) =>
  type === 'rsa' && isQuick(options.modulusLength) ? quickPair(options.modulusLength) : generated(type, options);
syncBuiltinESMExports();

const subtle = Object.getPrototypeOf(webcrypto.subtle);
const { generateKey } = subtle;
subtle.generateKey = async function (algorithm, extractable, uses) {
  const { name, hash, modulusLength } = algorithm;
  if (!/^RSA/.test(name) || !isQuick(modulusLength)) return generateKey.call(this, algorithm, extractable, uses);
  const pair = await quickPair(modulusLength);
  const half = (format, key, isExtractable, use) =>
    this.importKey(format, key.export({ format: 'der', type: format }), { name, hash }, isExtractable, use);
  const ofPrivate = ['sign', 'decrypt', 'unwrapKey'];
  const [privateKey, publicKey] = await Promise.all([
    half(
      'pkcs8',
      pair.privateKey,
      extractable,
      uses.filter((use) => ofPrivate.includes(use)),
    ),
    half(
      'spki',
      pair.publicKey,
      true,
      uses.filter((use) => !ofPrivate.includes(use)),
    ),
  ]);
  return { privateKey, publicKey };
};
