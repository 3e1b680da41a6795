// Somebody without rights sees neither a page's data nor that they exist; nobody gets in with a wrong password.
'use strict';

const { api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  const page = walk.page;
  await walk.open('/ui/');
  await walk.everyShape('sign-in');
  await page.getByLabel('Username').fill('stranger');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').waitFor();
  await walk.accessible('sign-in refused');

  await walk.signIn('stranger', 'stranger-password-1');
  assert.ok((await page.getByText('Your token may not read this.').count()) >= 2);
  const incidents = (await api('GET', 'incidents?state=all')).body.data.incidents;
  assert.equal(await page.getByRole('navigation', { name: 'Main' }).count(), 0, 'places are named that a stranger may not look at');
  for (const place of ['/ui/', '/ui/accounts', '/ui/checkouts', '/ui/checkout?account=db/app', '/ui/targets', '/ui/targets/pg',
    '/ui/silences', '/ui/reports', '/ui/notifications', '/ui/audit', `/ui/incident/${incidents[0].id}`]) {
    await walk.open(place);
    const text = await page.locator('main').innerText();
    for (const datum of ['db/drifted', 'db/second', 'keeper', 'postgresql']) {
      assert.ok(!text.includes(datum), `${place} shows ${datum} to a stranger`);
    }
  }
  await walk.everyShape('incident-refused');
  await walk.open('/ui/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor();
});
