// Secret engines and ways in.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'team', type: 'kv', description: 'of a team', config: { max_lease_ttl: '2h' } });
    await refused(400, root.mount({ mount_point: 'team', type: 'kv' }), 'path is already in use at team/');
    const mounts = await root.mounts();
    assert.equal(mounts.data['team/'].description, 'of a team');
    assert.equal(mounts['team/'].type, 'kv');
    await root.write('sys/mounts/team/tune', { max_lease_ttl: '1h' });
    assert.equal((await root.read('sys/mounts/team/tune')).data.max_lease_ttl, 3600);
    await root.write('team/app', { k: 'v' });
    await root.remount({ from: 'team', to: 'crew' });
    for (let tries = 0; tries < 50 && !(await root.mounts()).data['crew/']; tries += 1) {
        await new Promise((done) => setTimeout(done, 50));
    }
    assert.deepEqual((await root.read('crew/app')).data, { k: 'v' });
    await root.unmount({ mount_point: 'crew' });
    await refused(404, root.read('crew/app'), 'no handler for route');
    await root.enableAuth({ mount_point: 'machines', type: 'approle', description: 'for machines' });
    assert.equal((await root.auths()).data['machines/'].type, 'approle');
    await root.disableAuth({ mount_point: 'machines' });
    assert.equal((await root.auths()).data['machines/'], undefined);
});
