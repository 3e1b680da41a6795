// From an empty server to an unsealed one, sealed again, unsealed again.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client('');
    assert.equal((await root.initialized()).initialized, false);
    const made = await root.init({ secret_shares: 3, secret_threshold: 2 });
    assert.equal(made.keys.length, 3);
    assert.equal((await root.initialized()).initialized, true);
    await refused(400, root.init({ secret_shares: 1, secret_threshold: 1 }), 'Vault is already initialized');
    root.token = made.root_token;
    await refused(503, root.mounts(), 'Vault is sealed');
    assert.equal((await root.status()).sealed, true);
    assert.equal((await root.unseal({ key: made.keys[0] })).progress, 1);
    assert.equal((await root.unseal({ reset: true })).progress, 0);
    await root.unseal({ key: made.keys[0] });
    assert.equal((await root.unseal({ key: made.keys_base64[2] })).sealed, false);
    assert.equal((await root.health()).sealed, false);
    assert.equal((await root.leader()).ha_enabled, false);
    await root.rotate();
    assert.equal((await root.read('sys/key-status')).data.term, 2);
    await root.seal();
    assert.equal((await root.status()).sealed, true);
    for (const key of made.keys.slice(1)) await root.unseal({ key });
    assert.deepEqual((await root.tokenLookupSelf()).data.policies, ['root']);
});
