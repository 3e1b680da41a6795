// Check-out sets of a mount of type ldap. Prints what it had: that must be dead.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'dir', type: 'ldap' });
    await root.write('dir/library/ops', { service_account_names: ['lib_a'], ttl: '1h' });
    assert.deepEqual((await root.list('dir/library')).data.keys, ['ops']);
    const lent = await root.write('dir/library/ops/check-out', {});
    assert.equal(lent.data.service_account_name, 'lib_a');
    assert.equal(lent.lease_duration, 3600);
    await refused(400, root.write('dir/library/ops/check-out', {}), 'No service accounts available for check-out');
    const status = await root.read('dir/library/ops/status');
    assert.equal(status.data.lib_a.available, false);
    const back = await root.write('dir/library/ops/check-in', {});
    assert.deepEqual(back.data, { check_ins: ['lib_a'] });
    await root.delete('dir/library/ops');
    await root.unmount({ mount_point: 'dir' });
    console.log(JSON.stringify(lent.data));
});
