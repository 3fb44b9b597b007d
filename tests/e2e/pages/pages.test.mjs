// The pages in a real Chromium, fed by the real program: `RAILQUEST_BIN=build/bin/railquest node --test tests/e2e/pages/`.
// tests/e2e/test_pages.py runs it among the other tests. Screenshots go to the folder that OUT names.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, look, open } from './browser.mjs';
import { json, serve } from './server.mjs';

const OUT = process.env.OUT ?? 'build/pages-test';
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const RACE = ['--rehearse', 'workshop', '--players', '96', '--clusters', '6', '--seed', '1'];

let browser;
let running; // 150 minutes in 75 s: whoever looks sees rows move
let finished; // the whole workshop, over

before(async () => {
	mkdirSync(OUT, { recursive: true });
	running = await serve(...RACE, '--speed', '120');
	finished = await serve(...RACE, '--speed', 'max');
	browser = await launch();
});

after(async () => {
	await browser?.close();
	await running?.stop();
	await finished?.stop();
});

/** Waits until the race has got as far as `now_s`. */
async function raceAt(now_s) {
	for (;;) {
		const standings = await json(`${running.url}/api/quest/standings`);
		if (standings.now_s >= now_s || standings.state === 'finished') return;
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}

/** The race as `/stage` shows it. */
const shownOnStage = (page) =>
	page.evaluate(() => {
		const race = document.querySelector('.race');
		const rows = [...race.querySelectorAll('.row')]
			.sort((a, b) => a.dataset.slot - b.dataset.slot)
			.filter((row) => row.dataset.slot < 10)
			.map((row) => ({
				id: row.dataset.id,
				rank: Number(row.querySelector('.rank').textContent),
				points: row.querySelector('.points').textContent,
				done: row.querySelectorAll('.yes').length,
			}));
		return { now_s: Number(race.dataset.now), rows };
	});

/** The table of `/`. */
const shownOnPhone = (page) =>
	page.evaluate(() => {
		const table = document.querySelector('table');
		const rows = [...table.querySelectorAll('tbody tr[data-id]')].map((row) => ({
			id: row.dataset.id,
			rank: Number(row.querySelector('.rank').textContent),
			points: row.querySelector('.points').textContent,
			done: row.querySelectorAll('td.exercise .short').length,
		}));
		return { now_s: Number(table.dataset.now), rows };
	});

/** The same rows as the API gives them for that instant. */
async function told(base, now_s, count) {
	const standings = await json(`${base}/api/quest/standings?at=${now_s}`);
	assert.equal(standings.now_s, now_s);
	return standings.rows.slice(0, count).map(({ id, rank, score, done }) => ({ id, rank, points: points(score), done }));
}

const points = (score) =>
	new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(Math.abs(score) < 0.05 ? 0 : score);

/** Only the server itself was asked, and there was nothing to complain of. */
function assertClean({ asked, complaints }, base) {
	assert.ok(asked.length > 3, asked.join('\n'));
	const elsewhere = asked.filter((url) => new URL(url).origin !== new URL(base).origin);
	assert.deepEqual(elsewhere, [], 'requests that left the host');
	assert.deepEqual(complaints, []);
}

async function screenshot(page, name, least_colours) {
	const png = await page.screenshot({ path: join(OUT, `${name}.png`) });
	const seen = await look(browser, png);
	assert.ok(seen.colours >= least_colours && seen.commonest < 0.9, `${name} looks blank: ${JSON.stringify(seen)}`);
	return seen;
}

test('rows of /stage slide to new ranks, within 600 ms', async () => {
	await raceAt(2400);
	const opened = await open(browser, `${running.url}/stage`);
	await opened.page.waitForSelector('.row');
	const seen = await opened.page.evaluate(
		() =>
			new Promise((resolve) => {
				const orders = new Set();
				const slides = new Map(); // by row: since when it moves, and where it has been
				const done = [];
				const end = performance.now() + 20_000;
				function frame(now) {
					const rows = [...document.querySelectorAll('.row')];
					orders.add(rows.sort((a, b) => a.dataset.slot - b.dataset.slot).map((row) => row.dataset.id).join());
					const still = new Map(rows.map((row) => [row.dataset.id, row.getBoundingClientRect()]));
					for (const [id, box] of still) {
						const slide = slides.get(id) ?? { top: box.top, since: now, tops: [] };
						if (Math.abs(box.top - slide.top) > 0.5) {
							if (slide.tops.length === 0) slide.since = now;
							slide.tops.push(box.top);
						} else if (slide.tops.length > 0) {
							done.push({ id, frames: slide.tops.length, ms: now - slide.since });
							slide.tops = [];
						}
						slide.top = box.top;
						slides.set(id, slide);
					}
					if (now < end) requestAnimationFrame(frame);
					else resolve({ orders: orders.size, slides: done });
				}
				requestAnimationFrame(frame);
			}),
	);
	assert.ok(seen.orders >= 3, `${seen.orders} orders of rows in 20 s`);
	const smooth = seen.slides.filter(({ frames }) => frames >= 4);
	assert.ok(smooth.length >= 3, `only ${smooth.length} of ${seen.slides.length} moves went through places between`);
	const typical = smooth.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(smooth.length / 2)];
	assert.ok(typical <= 900, `a row takes ${typical} ms to slide`); // a busy machine drops frames
	const duration = await opened.page.evaluate(() => getComputedStyle(document.querySelector('.row')).transitionDuration);
	assert.ok(Math.max(...duration.split(',').map(Number.parseFloat)) <= 0.6, duration);
	await screenshot(opened.page, 'stage-running', 200);
	assertClean(opened, running.url);
	await opened.close();
});

test('the numbers of /stage are those of the API at the same instant', async () => {
	const opened = await open(browser, `${running.url}/stage`);
	await opened.page.waitForSelector('.row');
	for (let i = 0; i < 3; i++) {
		const { now_s, rows } = await shownOnStage(opened.page);
		assert.equal(rows.length, 10);
		assert.deepEqual(rows, await told(running.url, now_s, 10), `at ${now_s} s`);
		await opened.page.waitForTimeout(1_500);
	}
	assertClean(opened, running.url);
	await opened.close();
});

test('the numbers of / are those of the API at the same instant, for every player', async () => {
	const opened = await open(browser, running.url, PHONE);
	await opened.page.waitForSelector('tbody tr');
	const { now_s, rows } = await shownOnPhone(opened.page);
	assert.ok(rows.length > 10);
	assert.deepEqual(rows, await told(running.url, now_s, Infinity), `at ${now_s} s`);
	await screenshot(opened.page, 'phone-running', 100);
	assertClean(opened, running.url);
	await opened.close();
});

test('a stream that is opened and swallowed is noticed, and the page polls', async () => {
	const opened = await open(browser, 'about:blank', PHONE);
	await opened.page.route('**/api/quest/stream', () => {}); // never answered
	await opened.page.goto(running.url);
	await opened.page.waitForSelector('[data-link=polling]', { timeout: 12_000 });
	assert.ok((await shownOnPhone(opened.page)).rows.length > 10);
	await opened.close();
});

test('/stage of the finished race fills 1920 by 1080, with no scrollbar and no pointer', async () => {
	const opened = await open(browser, `${finished.url}/stage`);
	await opened.page.waitForSelector('.row');
	await opened.page.waitForSelector('canvas');
	await opened.page.waitForTimeout(1_500);
	const { now_s, rows } = await shownOnStage(opened.page);
	assert.deepEqual(rows, await told(finished.url, now_s, 10));
	const layout = await opened.page.evaluate(() => ({
		scrolls: [document.scrollingElement.scrollWidth - innerWidth, document.scrollingElement.scrollHeight - innerHeight],
		cursor: getComputedStyle(document.body).cursor,
		font_px: Number.parseFloat(getComputedStyle(document.querySelector('.row .user')).fontSize),
		cut: [...document.querySelectorAll('.row .points')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length,
		last: document.querySelector('footer').getBoundingClientRect().bottom,
	}));
	assert.deepEqual(layout.scrolls, [0, 0]);
	assert.equal(layout.cursor, 'none');
	assert.ok(layout.font_px >= 58, `rows are ${layout.font_px} px`);
	assert.equal(layout.cut, 0, 'points cut off');
	assert.ok(layout.last <= 1080, `the foot ends at ${layout.last} px`);
	const seen = await screenshot(opened.page, 'stage', 200);
	assert.deepEqual([seen.width, seen.height], [1920, 1080]);
	assertClean(opened, finished.url);
	await opened.close();
});

test('the keys 2, 4 and B choose what /stage shows, L the theme, T the language', async () => {
	const opened = await open(browser, `${finished.url}/stage`);
	const { page } = opened;
	await page.waitForSelector('canvas');
	await page.keyboard.press('2');
	assert.deepEqual([await page.locator('.row').count() > 0, await page.locator('canvas').count()], [true, 0]);
	await screenshot(page, 'stage-race', 100);
	await page.keyboard.press('4');
	await page.waitForSelector('canvas');
	assert.equal(await page.locator('.row').count(), 0);
	await page.keyboard.press('l');
	assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
	await page.waitForTimeout(500);
	await screenshot(page, 'stage-curves-dark', 100);
	await page.keyboard.press('b');
	await page.keyboard.press('t');
	await page.waitForSelector('.row');
	assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
	assert.match(await page.locator('header').innerText(), /Terminé/);
	assertClean(opened, finished.url);
	await opened.close();
});

test('/ fits a phone: everyone, the prize line, no sideways scrolling', async () => {
	const opened = await open(browser, finished.url, PHONE);
	await opened.page.waitForSelector('tbody tr');
	const { prize_line, rows } = await json(`${finished.url}/api/quest/standings`);
	assert.equal(await opened.page.locator('tbody tr[data-id]').count(), rows.length);
	assert.match(await opened.page.locator('tr.cut').innerText(), new RegExp(`${prize_line}`));
	assert.ok(await opened.page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth));
	await screenshot(opened.page, 'phone', 100);
	assertClean(opened, finished.url);
	await opened.close();
});

test('a player is found by name, filtered by table and followed, by keyboard alone', async () => {
	const opened = await open(browser, finished.url, PHONE);
	const { page } = opened;
	await page.waitForSelector('tbody tr');
	const { rows } = await json(`${finished.url}/api/quest/standings`);
	const wanted = rows.at(-1);
	await page.locator('input[type=search]').focus();
	await page.keyboard.type(wanted.user.toUpperCase());
	const alike = rows.filter((row) => row.user.toLowerCase().includes(wanted.user.toLowerCase())).length;
	assert.equal(await page.locator('tbody tr').count(), alike);
	await page.locator(`tr[data-id="${wanted.id}"] button`).focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector(`[data-own="${wanted.id}"]`);
	await page.locator('input[type=search]').fill('');
	await page.locator('select').selectOption(wanted.cluster);
	assert.equal(await page.locator('tbody tr').count(), rows.filter((row) => row.cluster === wanted.cluster).length);
	await page.reload();
	await page.waitForSelector(`[data-own="${wanted.id}"]`);
	assertClean(opened, finished.url);
	await opened.close();
});

test('French by ?lang=fr and by what the browser asks for, English by ?lang=en', async () => {
	for (const [query, locale, header, language] of [
		['?lang=fr', 'en-GB', 'Joueur', 'fr'],
		['', 'fr-FR', 'Joueur', 'fr'],
		['?lang=en', 'fr-FR', 'Player', 'en'],
		['', 'de-DE', 'Player', 'en'],
	]) {
		const opened = await open(browser, `${finished.url}/${query}`, { ...PHONE, locale });
		await opened.page.waitForSelector('tbody tr');
		assert.equal(await opened.page.locator('thead th.player').innerText(), header, `${query} ${locale}`);
		assert.equal(await opened.page.locator('html').getAttribute('lang'), language);
		if (query === '?lang=fr') await screenshot(opened.page, 'phone-french', 100);
		await opened.close();
	}
});

test('without JavaScript / is a plain table with every player', async () => {
	const opened = await open(browser, finished.url, { ...PHONE, javaScriptEnabled: false });
	const { rows } = await json(`${finished.url}/api/quest/standings`);
	const table = opened.page.locator('table');
	const text = await table.innerText();
	assert.ok((await table.locator('tr').count()) >= rows.length);
	for (const { user } of rows) assert.ok(text.includes(user), `${user} is not in the table`);
	await opened.page.screenshot({ path: join(OUT, 'phone-plain.png') });
	// With scripting off Chromium refuses to preload scripts, which is what was asked of it.
	assert.deepEqual(opened.complaints.filter((complaint) => !complaint.endsWith('.js: csp')), []);
	await opened.close();
});

test('/ and all that it loads come to less than 60 kB, under a policy that allows nothing else', async () => {
	const context = await browser.newContext();
	const page = await context.newPage();
	const finishedRequests = [];
	page.on('requestfinished', (request) => finishedRequests.push(request));
	const answer = await page.goto(finished.url);
	await page.waitForSelector('tbody tr');
	const files = finishedRequests.filter((request) => !new URL(request.url()).pathname.startsWith('/api/'));
	const sizes = await Promise.all(files.map((request) => request.sizes()));
	const bytes = sizes.reduce((sum, { responseBodySize, responseHeadersSize }) => sum + responseBodySize + responseHeadersSize, 0);
	assert.ok(bytes < 60_000, `${bytes} bytes in ${files.length} files`);
	assert.match(answer.headers()['content-security-policy'] ?? '', /default-src 'self'/);
	await context.close();
});

test('who wants no motion gets none', async () => {
	const opened = await open(browser, `${finished.url}/stage`, { reducedMotion: 'reduce' });
	await opened.page.waitForSelector('.row');
	const duration = await opened.page.evaluate(() => getComputedStyle(document.querySelector('.row')).transitionDuration);
	assert.ok(Number.parseFloat(duration) < 0.01, duration);
	await opened.close();
});
