// The page of many trains, for test_monitor_kafka.py: argv has the monitor's address, how many trains speak, and the name of one that was
// only recorded. Says what a viewer had, by the best way and by the last.

import { launch, open } from './browser.mjs';
import { wait } from './world.mjs';

const [url, count, recorded] = process.argv.slice(2);
const LIMIT_MS = 60_000; // the machine may be busy
const browser = await launch();

/** In the page: how many pictures of each train were drawn, and how many of them with a box. */
function watch() {
	window.drawn = {};
	document.addEventListener('railquest:drawn', ({ detail: { train }, target }) => {
		const seen = (window.drawn[train] ??= { pictures: 0, boxes: 0 });
		seen.pictures++;
		seen.boxes += target.parentElement.querySelectorAll('.box').length;
	});
}

async function view(address) {
	const opened = await open(browser, 'about:blank', { viewport: { width: 1400, height: 1000 } });
	const { page } = opened;
	let sockets = 0;
	page.on('websocket', () => sockets++);
	await page.addInitScript(watch);
	await page.goto(address);
	const all = ([count, each]) => Object.values(window.drawn).filter(({ pictures, boxes }) => pictures >= each && boxes > 0).length >= count;
	await page.waitForFunction(all, [Number(count), 3], { timeout: LIMIT_MS }).catch(() => undefined); // the test says what was instead
	const found = await page.evaluate(() => ({ drawn: window.drawn, ...document.querySelector('.transport')?.dataset }));
	const fetched = opened.asked.filter((one) => one.includes('frame.jpg')).length;
	const streams = opened.asked.filter((one) => /live|stream/.test(one)).length;
	return { ...found, sockets, fetched, streams, opened };
}

const best = await view(url);
const last = await view(`${url}?transport=poll`);
await last.opened.close();

// One that says nothing has a page as well, which opens with its past.
const { page, complaints } = best.opened;
const tile = page.locator(`[data-train="${recorded}"]`);
const found = { heard: await tile.getAttribute('data-heard'), tile: await tile.innerText(), alerts: await page.locator('[data-alerts]').innerText() };
await tile.click();
await page.locator('[data-past]').waitFor({ timeout: LIMIT_MS });
await page.waitForFunction(() => Number(document.querySelector('[data-past] .picture')?.dataset.number) > 0, null, { timeout: LIMIT_MS });
found.title = await page.locator('h1').innerText();
await wait(100);
console.log(JSON.stringify({ best: { ...best, opened: undefined }, last: { ...last, opened: undefined }, recorded: { ...found, complaints } }));
await best.opened.close();
await browser.close();
