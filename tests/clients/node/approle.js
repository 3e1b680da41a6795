// AppRole: roles, secret ids, logins.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.enableAuth({ mount_point: 'approle', type: 'approle' });
    const web = { role_name: 'web' };
    await root.addApproleRole({ ...web, policies: 'p1', token_ttl: 600, secret_id_num_uses: 1 });
    assert.deepEqual((await root.getApproleRole(web)).data.token_policies, ['p1']);
    assert.deepEqual((await root.approleRoles()).data.keys, ['web']);
    const { role_id } = (await root.getApproleRoleId(web)).data;
    const made = (await root.getApproleRoleSecret({ ...web, metadata: '{"host":"a1"}' })).data;
    assert.equal((await root.approleSecretLookup({ ...web, secret_id: made.secret_id })).data.metadata.host, 'a1');
    assert.ok((await root.approleSecretAccessors(web)).data.keys.includes(made.secret_id_accessor));
    const machine = client('');
    const { auth } = await machine.approleLogin({ role_id, secret_id: made.secret_id });
    assert.deepEqual(auth.policies, ['default', 'p1']);
    assert.deepEqual(auth.metadata, { role_name: 'web', host: 'a1' });
    assert.equal((await machine.tokenLookupSelf()).data.path, 'auth/approle/login');
    await refused(400, client('').approleLogin({ role_id, secret_id: made.secret_id }), 'invalid');
    const other = (await root.getApproleRoleSecret(web)).data;
    const by_accessor = { ...web, secret_id_accessor: other.secret_id_accessor };
    assert.equal((await root.approleSecretAccessorLookup(by_accessor)).data.secret_id_accessor, other.secret_id_accessor);
    await root.approleSecretAccessorDestroy(by_accessor);
    await refused(400, client('').approleLogin({ role_id, secret_id: other.secret_id }), 'invalid');
    const third = (await root.getApproleRoleSecret(web)).data;
    await root.approleSecretDestroy({ ...web, secret_id: third.secret_id });
    await root.updateApproleRoleId({ ...web, role_id: 'web-in-production' });
    assert.equal((await root.getApproleRoleId(web)).data.role_id, 'web-in-production');
    await root.deleteApproleRole(web);
    await refused(404, root.getApproleRole(web));
});
