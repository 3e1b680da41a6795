// Userpass: users and logins.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.enableAuth({ mount_point: 'userpass', type: 'userpass' });
    await root.write('auth/userpass/users/ann', { password: 'secret-1', policies: 'p1' });
    assert.deepEqual((await root.list('auth/userpass/users')).data.keys, ['ann']);
    const person = client('');
    const { auth } = await person.userpassLogin({ username: 'ann', password: 'secret-1' });
    assert.deepEqual(auth.policies, ['default', 'p1']);
    assert.deepEqual(auth.metadata, { username: 'ann' });
    assert.equal((await person.tokenLookupSelf()).data.display_name, 'userpass-ann');
    await refused(400, client('').userpassLogin({ username: 'ann', password: 'wrong' }), 'invalid username or password');
    await refused(400, client('').userpassLogin({ username: 'bob', password: 'wrong' }), 'invalid username or password');
    await root.delete('auth/userpass/users/ann');
    await refused(400, client('').userpassLogin({ username: 'ann', password: 'secret-1' }), 'invalid username or password');
});
