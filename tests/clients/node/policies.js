// Policies: written, read back, listed, obeyed, deleted.
'use strict';
const { assert, client, make, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    const rules = 'path "sys/mounts" { capabilities = ["read"] }';
    await root.addPolicy({ name: 'Looker', rules });
    assert.equal((await root.getPolicy({ name: 'looker' })).rules, rules);
    assert.ok((await root.policies()).policies.includes('looker'));
    await refused(400, root.addPolicy({ name: 'wrong', rules: 'path "x" { capabilities = ["fly"] }' }));
    await refused(400, root.removePolicy({ name: 'root' }));
    const looker = client((await make({ policies: ['looker'] })).client_token);
    assert.ok((await looker.mounts()).data['sys/']);
    await refused(403, looker.auths(), 'permission denied');
    await root.removePolicy({ name: 'looker' });
    await refused(404, root.getPolicy({ name: 'looker' }));
    await refused(403, looker.mounts(), 'permission denied');
});
