// Audit devices.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { assert, client, refused, tell } = require('./story');

tell(async () => {
    const root = client();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'audit-story-'));
    try {
        const file = path.join(folder, 'audit.log');
        await root.enableAudit({ name: 'trail', type: 'file', options: { file_path: file } });
        assert.equal((await root.audits()).data['trail/'].options.file_path, file);
        await refused(400, root.enableAudit({ name: 'trail', type: 'file', options: { file_path: file } }), 'path already in use');
        await root.write('cubbyhole/note', { k: 'a-secret-word' });
        const { hash } = (await root.write('sys/audit-hash/trail', { input: 'a-secret-word' })).data;
        const text = fs.readFileSync(file, 'utf8');
        assert.ok(text.includes(hash) && !text.includes('a-secret-word'));
        await root.disableAudit({ name: 'trail' });
        assert.equal((await root.audits()).data['trail/'], undefined);
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
});
