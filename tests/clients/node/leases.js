// Leases that are not there.
'use strict';
const { client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await refused(400, root.write('sys/leases/lookup', { lease_id: 'no/such/lease' }), 'invalid lease');
    await refused(400, root.renew({ lease_id: 'no/such/lease' }), 'lease not found');
    await root.revoke({ lease_id: 'no/such/lease' });
    // The old path, which this client still uses, is Vault's; OpenBao has dropped it.
    if (process.env.STORY_SERVER === 'rotunda') await root.revokePrefix({ path_prefix: 'no/such/prefix' });
    await root.write('sys/leases/revoke-prefix/no/such/prefix', {});
    await refused(404, root.list('sys/leases/lookup/no/such/prefix'));
});
