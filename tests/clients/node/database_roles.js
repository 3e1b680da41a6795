// Users that a database makes for a lease: let in while it lasts, gone after it.
'use strict';
const { assert, client, logsIn, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'db', type: 'database' });
    await root.write('db/config/pg', {
        plugin_name: 'postgresql-database-plugin',
        connection_url: process.env.STORY_POSTGRES,
        username: 'manager',
        password: 'm-0',
        allowed_roles: '*',
    });
    await root.write('db/roles/app', {
        db_name: 'pg',
        creation_statements: "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';",
        default_ttl: '1h',
        max_ttl: '24h',
    });
    assert.deepEqual((await root.list('db/roles')).data.keys, ['app']);
    assert.equal((await root.read('db/roles/app')).data.default_ttl, 3600);
    const made = await root.read('db/creds/app');
    const { username, password } = made.data;
    assert.equal(made.lease_duration, 3600);
    assert.ok(made.renewable);
    assert.ok(await logsIn(username, password));
    const renewed = await root.renew({ lease_id: made.lease_id, increment: 7200 });
    assert.equal(renewed.lease_duration, 7200);
    await root.revoke({ lease_id: made.lease_id });
    assert.ok(!(await logsIn(username, password)));
    await refused(400, root.read('db/creds/none'), 'unknown role');

    const other = (await root.read('db/creds/app')).data;
    await root.write('sys/leases/revoke-prefix/db/creds/app', {});
    assert.ok(!(await logsIn(other.username, other.password)));
    await root.delete('db/roles/app');
    await refused(404, root.read('db/roles/app'));
    await root.unmount({ mount_point: 'db' });
});
