// The cubbyhole: each token's own.
'use strict';
const { assert, client, make, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    const [ann, bob] = await Promise.all([1, 2].map(async () =>
        client((await make({ policies: ['default'] })).client_token)));
    await ann.write('cubbyhole/note', { k: 'v' });
    assert.deepEqual((await ann.read('cubbyhole/note')).data, { k: 'v' });
    assert.deepEqual((await ann.list('cubbyhole')).data.keys, ['note']);
    await refused(404, bob.read('cubbyhole/note'));
    await refused(404, root.read('cubbyhole/note'));
    await ann.delete('cubbyhole/note');
    await refused(404, ann.read('cubbyhole/note'));
});
