// A real browser that walks through the dashboard, and what every walk has to show: no error on the console, nothing that
// the content security policy had to stop, no request to another host, nothing that axe calls serious.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const address = process.env.VAULT_ADDR;
const root = process.env.VAULT_TOKEN;
const shots = process.env.SCREENSHOTS;
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// What Chromium prints of an answer that is a refusal: the page itself says so, too.
const isRefusal = (text) => /Failed to load resource: the server responded with a status of (400|401|403|404|409|502|503)/.test(text);

class Walk {
  static async begin(options = {}) {
    const walk = new Walk();
    walk.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    });
    walk.problems = [];
    walk.context = await walk.newContext(options);
    walk.page = await walk.context.newPage();
    return walk;
  }

  async newContext(options) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(40000);
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: address });
    const allowed = new URL(address).host;
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.host !== allowed) this.problems.push('asked another host: ' + request.url());
    });
    context.on('page', (page) => {
      page.on('pageerror', (error) => this.problems.push('script: ' + error.message));
      page.on('console', (message) => {
        const isBad = message.type() === 'error' || /Content.Security.Policy/i.test(message.text());
        if (isBad && !isRefusal(message.text())) this.problems.push(message.type() + ': ' + message.text());
      });
    });
    return context;
  }

  async open(place) {
    const answer = await this.page.goto(address + place);
    return answer.status();
  }

  async signIn(username, password) {
    await this.open('/ui/');
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await this.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  }

  // axe on the page as it is now. The policy lets no script of a page in, so it is run beside the page.
  async accessible(name) {
    await this.page.evaluate(axeSource);
    const found = await this.page.evaluate(() => window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }));
    const bad = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
    const told = bad.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`);
    assert.deepEqual(told, [], `axe on ${name}`);
  }

  // What has the keyboard: its name, and whether that is seen. The whole document is nothing.
  async stop() {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      if (at === null || at === document.body) return { name: '', isSeen: true, isNothing: true };
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      const label = at.labels && at.labels.length > 0 ? at.labels[0].textContent : '';
      const hasRing = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
      const isThere = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < window.innerHeight && box.right > 0 && box.left < window.innerWidth;
      window.stopBefore = window.stopHere;
      window.stopHere = at;
      return {
        name: (at.getAttribute('aria-label') || label || at.textContent || '').trim().replace(/\s+/g, ' '),
        isSeen: hasRing && isThere,
        isSame: window.stopBefore === at,
        isNothing: false,
      };
    });
  }

  // Goes on with the keyboard: it moves, and where it is can be seen.
  async tab(key = 'Tab') {
    await this.page.keyboard.press(key);
    const stop = await this.stop();
    assert.ok(stop.isSeen, `it is not seen that ${stop.name} has the keyboard`);
    assert.ok(!stop.isSame, `the keyboard does not leave ${stop.name}`);
    return stop;
  }

  // Goes on until what has the keyboard is called so, or begins so where it is a field.
  async tabTo(name, most = 120) {
    const seen = [];
    for (let presses = 0; presses < most; presses += 1) {
      const stop = await this.tab();
      seen.push(stop.name);
      if (stop.name === name || (stop.name.startsWith(name + ' ') && !stop.isNothing)) return stop;
    }
    return assert.fail(`the keyboard does not come to ${name}, but to ${seen.join(' | ')}`);
  }

  async press(name) {
    await this.tabTo(name);
    await this.page.keyboard.press('Enter');
  }

  async type(name, text) {
    await this.tabTo(name);
    await this.page.keyboard.type(text);
  }

  // From the top to the end and back: everything that can have the keyboard has it once, is seen then, and lets go of it.
  async everyStop(name) {
    const many = await this.page.evaluate(() => {
      document.activeElement.blur();
      window.getSelection().removeAllRanges();
      window.scrollTo(0, 0);
      const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
      return all.filter((one) => !one.disabled && one.type !== 'hidden' && one.checkVisibility({ visibilityProperty: true })).length;
    });
    await this.page.locator('.skip').focus();
    await this.stop();
    const seen = ['Skip to the content'];
    for (let presses = 1; presses < many; presses += 1) {
      const stop = await this.tab();
      assert.ok(!stop.isNothing, `the keyboard leaves ${name} after ${seen.length} of ${many} stops, behind ${seen.at(-1)}`);
      seen.push(stop.name);
    }
    for (let presses = 1; presses < many; presses += 1) await this.tab('Shift+Tab');
    assert.equal((await this.stop()).name, 'Skip to the content', `${name}: the way back is another one`);
    assert.ok(seen.every((one) => one.length > 0), `${name}: something without a name has the keyboard: ${seen.join(' | ')}`);
  }

  // Every plot is drawn within its frame, says what it shows, and has its figures in a table behind it, which is opened.
  async plots(name) {
    const found = await this.page.locator('svg.plot').evaluateAll((all) => all.map((plot) => {
      const [, , width, height] = plot.getAttribute('viewBox').split(' ').map(Number);
      const numbers = [...plot.querySelectorAll('*')].flatMap((mark) => [...mark.attributes]
        .filter((one) => ['x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height'].includes(one.name))
        .map((one) => [one.name, Number(one.value), one.value]));
      const odd = numbers.filter(([key, value]) => !Number.isFinite(value) || value < 0 || value > (['y', 'y1', 'y2', 'cy', 'height'].includes(key) ? height : width));
      const frame = plot.getBoundingClientRect();
      const out = [...plot.querySelectorAll('text')].filter((text) => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      });
      const fold = plot.closest('section').querySelectorAll('details');
      const words = [...plot.querySelectorAll('text, title, desc')].map((one) => one.textContent);
      return {
        id: plot.querySelector('title').id,
        width: frame.width,
        marks: numbers.length,
        odd: odd.map((one) => one.join(' ')),
        out: out.map((text) => text.textContent),
        words,
        folds: fold.length,
      };
    }));
    for (const plot of found) {
      const which = `${plot.id} of ${name}`;
      assert.ok(plot.width > 200 && plot.marks > 8, `${which} is not drawn`);
      assert.deepEqual(plot.odd, [], `numbers of ${which}`);
      assert.deepEqual(plot.out, [], `texts beyond the edge of ${which}`);
      assert.ok(plot.words.every((text) => text.trim().length > 0 && !/NaN|Infinity|\binf\b|undefined/.test(text)), `${which}: ${plot.words}`);
      assert.ok(plot.folds > 0, `there is no table behind ${which}`);
    }
    for (const fold of await this.page.getByText('The same as a table').all()) {
      await fold.click();
      const text = await fold.locator('xpath=..').innerText();
      assert.ok(text.replace('The same as a table', '').trim().length > 0 && !/NaN|\binf\b/.test(text), `${name}: ${text}`);
    }
    return found.length;
  }

  // In both colour schemes, at every width, without a page that is wider than its window.
  async everyShape(name) {
    for (const scheme of ['light', 'dark']) {
      await this.page.emulateMedia({ colorScheme: scheme });
      for (const [width, height] of [[360, 740], [820, 1180], [1280, 900], [3840, 2160]]) {
        await this.page.setViewportSize({ width, height });
        const over = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${name} is ${over} px wider than a window of ${width} px`);
        await this.shot(`${name}-${scheme}-${width}`, width < 3840);
        if (width !== 820) await this.accessible(`${name}, ${scheme}, ${width} px`);
      }
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
    await this.page.setViewportSize({ width: 1280, height: 900 });
  }

  // The whole page, or of a very large window what it shows.
  async shot(name, fullPage = true) {
    await this.page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
  }

  async end() {
    await this.browser.close();
    assert.deepEqual(this.problems, [], 'console, policy, foreign requests');
  }
}

// The API, as root.
async function api(method, place, body) {
  const answer = await fetch(`${address}/v1/${place}`, {
    method,
    headers: { 'X-Vault-Token': root, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}

// Runs a walk; the browser ends with it, however that goes.
function tell(steps, options) {
  (async () => {
    const walk = await Walk.begin(options);
    try {
      await steps(walk);
    } catch (error) {
      await walk.shot('failed-' + path.basename(process.argv[1], '.js')).catch(() => {});
      await walk.browser.close();
      throw error;
    }
    await walk.end();
  })().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { address, api, assert, tell };
