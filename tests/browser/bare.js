// A vault in which nothing is yet, or one account that was rotated once: each page and each plot is drawn, and says so.
'use strict';

const { api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  const page = walk.page;
  await walk.signIn('sre', 'sre-password-1');
  const { accounts } = (await api('GET', 'reports/standing')).body.data;
  assert.ok(accounts <= 1, `${accounts} accounts`);
  await page.getByText('Nothing is broken').waitFor();
  if (accounts === 0) await page.getByText('There are no accounts yet.').waitFor();
  assert.equal(await walk.plots('overview'), 1);
  await walk.everyShape('overview');

  for (const window of ['30d', '365d']) {
    await walk.open(`/ui/reports?window=${window}`);
    // Without an incident there are no classes of failures, and without a rotation no budget is spent; both are said.
    const plots = await walk.plots(`reports of ${window}`);
    assert.equal(plots, accounts === 0 ? 4 : 5, `${plots} plots in ${window}`);
    await page.getByText('No incident in this time.').waitFor();
    if (accounts === 0) await page.getByText('No rotation ended in this time').waitFor();
  }
  await walk.everyShape('reports');

  for (const [name, said] of [
    ['accounts', accounts === 0 ? 'there are none yet' : '1 to 1 of 1'],
    ['checkouts', 'Nobody has an account in hand.'],
    ['targets', accounts === 0 ? 'there are none yet' : '1 to 1 of 1'],
    ['silences', 'None is planned and none lasts.'],
    ['notifications', 'Nobody is told anything.'],
    ['audit', 'lines were looked at'],
  ]) {
    await walk.open(`/ui/${name}`);
    await page.getByText(said).waitFor();
    await walk.accessible(name);
    await walk.shot(name);
  }
});
