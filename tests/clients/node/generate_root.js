// A new root token from the unseal keys.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client('');
    const made = await root.init({ secret_shares: 3, secret_threshold: 2 });
    for (const key of made.keys.slice(0, 2)) await root.unseal({ key });
    let attempt = await root.generateRootInit();
    assert.equal(attempt.started, true);
    assert.equal(attempt.otp.length, attempt.otp_length);
    await root.generateRootCancel();
    attempt = await root.generateRootInit();
    await refused(400, root.generateRootUpdate({ key: made.keys[0], nonce: 'wrong' }));
    assert.equal((await root.generateRootUpdate({ key: made.keys[0], nonce: attempt.nonce })).progress, 1);
    const done = await root.generateRootUpdate({ key: made.keys[1], nonce: attempt.nonce });
    assert.equal(done.complete, true);
    const bits = Buffer.from(done.encoded_root_token, 'base64');
    const token = Buffer.from(bits.map((byte, at) => byte ^ attempt.otp.charCodeAt(at))).toString();
    assert.deepEqual((await client(token).tokenLookupSelf()).data.policies, ['root']);
});
