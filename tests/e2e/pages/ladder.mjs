// Opens pages {name, url, transport, because}, a list of them at once and the next list then, and says for each what its viewer
// had: for test_monitor_ladder.py. `transport` and `because` (how it begins) are waited for, and then one more picture.

import { launch, open } from './browser.mjs';
import { wait } from './world.mjs';

const LIMIT_MS = 30_000; // to get there: the machine may be busy
const lists = JSON.parse(process.argv[2]); // of {seconds, pages}
const browser = await launch();

/** In the page: each picture that was drawn, at its time; a clock that stands still while the page is kept from running. */
function watch() {
	let ran_ms = 0;
	let ticked_ms = null;
	setInterval(() => {
		const now_ms = performance.now();
		if (ticked_ms !== null) ran_ms += Math.min(now_ms - ticked_ms, 200);
		ticked_ms = document.querySelector('#app') && now_ms;
	}, 50);
	window.drawn = new Map(); // by their pixels
	window.again = 0; // numbers that were drawn before
	const numbers = new Set();
	document.addEventListener('railquest:drawn', ({ detail, target }) => {
		const { data } = target.getContext('2d').getImageData(0, 0, 8, 8);
		const name = `${detail.train} ${detail.number}`;
		window.again += numbers.has(name);
		numbers.add(name);
		window.drawn.set(data.join(), ran_ms);
	});
}

async function view({ name, url, transport, because }, seconds) {
	const opened = await open(browser, 'about:blank', { viewport: { width: 640, height: 700 } });
	const { page } = opened;
	await page.addInitScript(watch);
	await page.goto(url);
	await wait(seconds * 1000);
	const there = `.transport[data-transport="${transport}"][data-because^="${because}"]`;
	const expected = because ? there : `.transport[data-transport="${transport}"][data-because=""]`;
	await page.waitForSelector(expected, { timeout: LIMIT_MS }).catch(() => undefined); // the test says what was instead
	const before = await page.evaluate(() => window.drawn.size);
	const moves = await page.waitForFunction((before) => window.drawn.size > before, before, { timeout: LIMIT_MS }).then(() => true, () => false);
	const boxes = await page.waitForSelector('.picture .box', { timeout: LIMIT_MS }).then(() => true, () => false);
	const found = await page.evaluate(() => ({
		...document.querySelector('.transport')?.dataset,
		said: document.querySelector('.transport')?.textContent.trim(),
		link: document.querySelector('[data-link]')?.dataset.link,
		pictures: [...window.drawn.values()],
		again: window.again,
	}));
	await opened.close();
	return [name, { ...found, moves, boxes }];
}

const found = [];
for (const { seconds, pages } of lists) found.push(...(await Promise.all(pages.map((page) => view(page, seconds)))));
console.log(JSON.stringify(Object.fromEntries(found)));
await browser.close();
