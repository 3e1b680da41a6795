// Response wrapping: wrapped once, unwrapped once.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    const wrap = (data) => root.write('sys/wrapping/wrap', data, { headers: { 'X-Vault-Wrap-TTL': '60s' } });
    const first = (await wrap({ k: 'v' })).wrap_info;
    assert.equal(first.ttl, 60);
    assert.equal((await client('').write('sys/wrapping/lookup', { token: first.token })).data.creation_ttl, 60);
    assert.deepEqual((await client(first.token).unwrap()).data, { k: 'v' });
    await refused(400, root.unwrap({ token: first.token }), 'wrapping token is not valid or does not exist');
    const second = (await wrap({ k: 'w' })).wrap_info.token;
    assert.deepEqual((await root.unwrap({ token: second })).data, { k: 'w' });
    await refused(400, root.write('sys/wrapping/wrap', { k: 'v' }));
});
