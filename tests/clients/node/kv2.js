// KV version 2: versions, check-and-set, patch, delete, undelete, destroy, metadata.
'use strict';
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    await root.mount({ mount_point: 'two', type: 'kv', options: { version: '2' } });
    for (let tries = 0; tries < 100; tries += 1) {
        if (await root.read('two/config').then(() => true, () => false)) break;
        await new Promise((done) => setTimeout(done, 50));
    }
    assert.equal((await root.write('two/data/app', { data: { k: '1' } })).data.version, 1);
    assert.equal((await root.write('two/data/app', { data: { k: '2' }, options: { cas: 1 } })).data.version, 2);
    await refused(400, root.write('two/data/app', { data: { k: '3' }, options: { cas: 1 } }),
        'check-and-set parameter did not match the current version');
    assert.deepEqual((await root.read('two/data/app')).data.data, { k: '2' });
    assert.deepEqual((await root.read('two/data/app?version=1')).data.data, { k: '1' });
    assert.equal((await root.update('two/data/app', { data: { extra: 'x' } })).data.version, 3);
    assert.deepEqual((await root.read('two/data/app')).data.data, { k: '2', extra: 'x' });
    await root.delete('two/data/app');
    const gone = await refused(404, root.read('two/data/app'));
    assert.equal(gone.data.data, null);
    assert.equal(gone.data.metadata.version, 3);
    await root.write('two/undelete/app', { versions: [3] });
    assert.equal((await root.read('two/data/app')).data.data.extra, 'x');
    await root.write('two/delete/app', { versions: [2] });
    await refused(404, root.read('two/data/app?version=2'));
    await root.destroySecretVersions({ mount_point: 'two', path: 'app', versions: [1] });
    await root.write('two/undelete/app', { versions: [1] });
    await refused(404, root.read('two/data/app?version=1'));
    const meta = (await root.read('two/metadata/app')).data;
    assert.equal(meta.current_version, 3);
    assert.equal(meta.versions[1].destroyed, true);
    await root.write('two/metadata/app', { max_versions: 2, custom_metadata: { owner: 'ann' } });
    assert.deepEqual((await root.read('two/metadata/app')).data.custom_metadata, { owner: 'ann' });
    assert.deepEqual((await root.list('two/metadata')).data.keys, ['app']);
    await root.delete('two/metadata/app');
    await refused(404, root.read('two/metadata/app'));
});
