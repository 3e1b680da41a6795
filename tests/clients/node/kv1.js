// KV version 1.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'one', type: 'kv', options: { version: '1' } });
    const data = { user: 'ann', number: 1.5, nested: { list: [1, null, true] }, text: 'ä€𝄞' };
    await root.write('one/app', data);
    const read = await root.read('one/app');
    assert.deepEqual(read.data, data);
    assert.equal(read.lease_duration, 2764800);
    await root.write('one/dir/a', { k: 'v' });
    assert.deepEqual((await root.list('one')).data.keys, ['app', 'dir/']);
    const plain = client(undefined, { noCustomHTTPVerbs: true });
    assert.deepEqual((await plain.list('one/dir')).data.keys, ['a']);
    await root.delete('one/app');
    await root.delete('one/app');
    await refused(404, root.read('one/app'));
    await refused(404, root.list('one/nothing'));
});
