// What every story of this client shares: the client, and how a refusal is expected.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const vault = require('node-vault');

// A client of the server under test; root when no token is given, nobody with "".
exports.client = (token = process.env.VAULT_TOKEN, more = {}) =>
    vault({ endpoint: process.env.VAULT_ADDR, token, ...more });

// Makes a token as root. node-vault goes on with a token that it was given, so a client of its own asks.
exports.make = async (parameters) => (await exports.client().tokenCreate(parameters)).auth;

// Checks that the call is refused with this status, with this text in the first error.
exports.refused = async (status, call, text = '') => {
    const answer = await call.then((value) => ({ value }), (error) => ({ error }));
    assert.ok(answer.error, `a refusal was expected: ${JSON.stringify(answer.value)}`);
    assert.equal(answer.error.response && answer.error.response.statusCode, status, String(answer.error));
    assert.ok(String(answer.error.message).includes(text), `${text} is not in ${answer.error.message}`);
    return answer.error.response.body;
};

// Whether the story's database lets this login in, by who stands there (tests/clients/database.rs).
exports.logsIn = (username, password) => new Promise((resolve, reject) => {
    const [host, port] = process.env.STORY_LOGINS.split(':');
    const connection = net.connect(Number(port), host, () => {
        connection.write(`${JSON.stringify({ username, password })}\n`);
    });
    connection.on('data', (answer) => { connection.end(); resolve(String(answer) === 'in\n'); });
    connection.on('error', reject);
});

// Tells the story, and ends with 1 when it fails.
exports.tell = (story) => story().catch((error) => {
    console.error(error.stack || error);
    process.exit(1);
});
exports.assert = assert;
