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
const isRefusal = (text) => /Failed to load resource: the server responded with a status of (401|403|404|409|502|503)/.test(text);

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
    context.setDefaultTimeout(20000);
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

  // In both colour schemes, at every width, without a page that is wider than its window.
  async everyShape(name) {
    for (const scheme of ['light', 'dark']) {
      await this.page.emulateMedia({ colorScheme: scheme });
      for (const [width, height] of [[360, 740], [1280, 900], [3840, 2160]]) {
        if (width === 3840 && scheme === 'dark') continue;
        await this.page.setViewportSize({ width, height });
        const over = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${name} is ${over} px wider than a window of ${width} px`);
        await this.shot(`${name}-${scheme}-${width}`);
        if (width !== 3840) await this.accessible(`${name}, ${scheme}, ${width} px`);
      }
    }
    await this.page.emulateMedia({ colorScheme: 'light' });
    await this.page.setViewportSize({ width: 1280, height: 900 });
  }

  async shot(name) {
    await this.page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
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
