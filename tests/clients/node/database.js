// A database: its config, a static role, its credential, and how they rotate.
'use strict';
const { assert, client, logsIn, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'db', type: 'database' });
    const config = {
        plugin_name: 'postgresql-database-plugin',
        connection_url: process.env.STORY_POSTGRES,
        username: 'manager',
        password: 'm-0',
        allowed_roles: 'st',
    };
    await refused(400, root.write('db/config/pg', { ...config, password: 'no' }), 'error verifying connection');
    await root.write('db/config/pg', config);
    const read = await root.read('db/config/pg');
    assert.deepEqual(read.data.allowed_roles, ['st']);
    assert.ok(!JSON.stringify(read).includes('m-0'));
    assert.deepEqual((await root.list('db/config')).data.keys, ['pg']);

    const role = { db_name: 'pg', username: 'app', rotation_period: '1h' };
    await root.write('db/static-roles/st', role);
    assert.ok(!(await logsIn('app', 'a-0')));
    const first = (await root.read('db/static-creds/st')).data;
    assert.equal(first.username, 'app');
    assert.ok(await logsIn('app', first.password));
    await root.write('db/rotate-role/st', {});
    const second = (await root.read('db/static-creds/st')).data;
    assert.ok(await logsIn('app', second.password));
    assert.ok(!(await logsIn('app', first.password)));
    await refused(400, root.write('db/static-roles/st', { ...role, username: 'app2' }), 'cannot update static account username');

    await root.write('db/rotate-root/pg', {});
    assert.ok(!(await logsIn('manager', 'm-0')));
    await root.write('db/reset/pg', {});
    await root.delete('db/static-roles/st');
    await refused(404, root.read('db/static-roles/st'));
    await root.delete('db/config/pg');
    await refused(404, root.list('db/config'));
    await root.unmount({ mount_point: 'db' });
});
