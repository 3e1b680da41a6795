// Tokens: made, looked up, renewed, revoked; with roles.
'use strict';
const { assert, client, make, refused, tell } = require('./story');

// node-vault goes on with each token that it is given; so every call as root has a client of its own.
tell(async () => {
    const auth = await make({ policies: ['p1'], ttl: '1h', meta: { team: 'db' } });
    assert.deepEqual(auth.policies, ['default', 'p1']);
    const ann = client(auth.client_token);
    assert.deepEqual((await ann.tokenLookupSelf()).data.meta, { team: 'db' });
    assert.equal((await client().tokenLookup({ token: auth.client_token })).data.accessor, auth.accessor);
    assert.equal((await client().tokenLookupAccessor({ accessor: auth.accessor })).data.id, '');
    assert.ok((await client().tokenAccessors()).data.keys.includes(auth.accessor));
    assert.equal((await client().tokenRenew({ token: auth.client_token, increment: '2h' })).auth.lease_duration, 7200);
    assert.equal((await ann.tokenRenewSelf({ increment: 1800 })).auth.lease_duration, 1800);
    await refused(403, client('nonsense').tokenLookupSelf(), 'permission denied');
    const orphan = (await client().tokenCreateOrphan({ policies: ['p1'] })).auth;
    assert.equal(orphan.orphan, true);
    await client().tokenRevokeAccessor({ accessor: orphan.accessor });
    await ann.tokenRevokeSelf();
    await refused(403, ann.tokenLookupSelf(), 'permission denied');
    const other = (await make({ policies: ['p1'] })).client_token;
    await client().tokenRevoke({ token: other });
    await refused(403, client().tokenLookup({ token: other }), 'bad token');
    const parent = (await make({ policies: ['p1'] })).client_token;
    await client().tokenRevokeOrphan({ token: parent });
    await client().addTokenRole({ role_name: 'deploy', allowed_policies: 'p1,p2', period: 1800 });
    assert.deepEqual((await client().getTokenRole({ role_name: 'deploy' })).data.allowed_policies, ['p1', 'p2']);
    assert.deepEqual((await client().tokenRoles()).data.keys, ['deploy']);
    assert.equal((await client().tokenCreateRole({ role_name: 'deploy' })).auth.lease_duration, 1800);
    await client().removeTokenRole({ role_name: 'deploy' });
    await refused(404, client().getTokenRole({ role_name: 'deploy' }));
});
