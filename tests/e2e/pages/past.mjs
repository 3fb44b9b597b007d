// The past on the train's page, for test_monitor_recording.py: argv has the page's address, an instant with a sign (Unix ms) and a
// picture to write. Says what a viewer had.

import { launch, open } from './browser.mjs';
import { wait } from './world.mjs';

const [url, at_ms, picture] = process.argv.slice(2);
const browser = await launch();
const opened = await open(browser, url, { viewport: { width: 1100, height: 1500 }, acceptDownloads: true });
const { page } = opened;
const found = {};

const past = () => page.locator('[data-past]');
const number = () => page.locator('[data-past] .picture').getAttribute('data-number').then(Number);
const until = (what, argument) => page.waitForFunction(what, argument, { timeout: 30_000 });

await page.getByRole('button', { name: 'Look at the past' }).click();
await past().waitFor();
found.marks = await page.locator('[data-past] .mark').innerText();
found.stop_is_there = await page.getByRole('button', { name: /STOP/ }).isVisible();
found.orders = await page.locator('[data-past] svg rect.stop').count();

// To the instant, as somebody drags the handle there.
await page.locator('[data-past] input[type=range]').evaluate((handle, at) => {
	handle.value = at;
	handle.dispatchEvent(new Event('input', { bubbles: true }));
}, at_ms);
await until(() => document.querySelectorAll('[data-past] .box').length > 0);
found.sought = Number(await past().getAttribute('data-past'));
found.boxes = await page.locator('[data-past] .box').evaluateAll((boxes) => boxes.map((box) => box.dataset.class));
found.order = await page.locator('[data-past] [data-order]').getAttribute('data-order');
found.is_drawn = await page.locator('[data-past] canvas').evaluate((canvas) => {
	const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
	return new Set(data).size > 30;
});
await page.locator('[data-past]').screenshot({ path: picture });

// What changed around then is told, and leads there.
await page.locator('[data-past] [data-change=stop]').first().click();
await page.locator('[data-past] [data-order=stop]').waitFor();
found.reason = await page.locator('[data-past] .said small').innerText();
found.percent = await page.locator('[data-past] [data-percent]').getAttribute('data-percent').then(Number);
found.number = await number();
found.at = Number(await past().getAttribute('data-past'));

// It goes on from there, and stands still when it is told to.
await page.getByRole('button', { name: '▶ Play' }).click();
await until((from) => Number(document.querySelector('[data-past] .picture').dataset.number) > from, found.number);
await page.getByRole('button', { name: '❚❚' }).click();
const stood = Number(await past().getAttribute('data-past'));
found.went_on_ms = stood - found.at;
await wait(500);
found.stood = Number(await past().getAttribute('data-past')) === stood;

// Picture by picture.
const stands = await number();
await page.getByRole('button', { name: 'Picture after' }).click();
await until((from) => Number(document.querySelector('[data-past] .picture').dataset.number) > from, stands);
const after = await number();
await page.getByRole('button', { name: 'Picture before' }).click();
await until((to) => Number(document.querySelector('[data-past] .picture').dataset.number) < to, after);
found.steps = [stands, after, await number()];

// To another day, of which nothing is recorded, and back.
const field = page.locator('[data-past] input[type=datetime-local]');
const here = await field.inputValue();
await field.fill('2020-02-29T12:34:56');
await page.locator('[data-past] .none').waitFor();
found.day = new Date(Number(await past().getAttribute('data-past'))).getFullYear();
await field.fill(here);
await until(() => Number(document.querySelector('[data-past] .picture').dataset.number) > 0);
found.is_back = (await field.inputValue()) === here;

await page.getByRole('combobox', { name: 'Film from here on' }).selectOption('10 seconds');
const [download] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), page.getByRole('button', { name: '⤓ with boxes' }).click()]);
found.clip = download.suggestedFilename();
await download.saveAs(`${picture}.mp4`);
await page.locator('[data-film=done], [data-film=cut]').waitFor();
found.plays = await page.evaluate(async (type) => document.createElement('video').canPlayType(type), 'video/mp4; codecs="avc1.64001f"');

// STOP is STOP while the past's handle has the keyboard; this one is kept from the train.
let stops = 0;
await page.route('**/api/train/stop*', (route) => {
	stops++;
	return route.fulfill({ status: 503, contentType: 'application/json', body: '{"error":"a test"}' });
});
await page.locator('[data-past] input[type=range]').focus();
await page.keyboard.press('Space');
await page.locator('[data-command=stop]').waitFor();
found.stops = stops;
opened.complaints.splice(0, Infinity, ...opened.complaints.filter((one) => !one.includes('503')));
await page.locator('[data-past] h2').click();

await page.keyboard.press('t');
found.french = await page.getByRole('button', { name: 'Revenir au direct' }).isVisible();
await page.getByRole('button', { name: 'Revenir au direct' }).click();
found.is_closed = (await past().count()) === 0;
found.complaints = opened.complaints;
console.log(JSON.stringify(found));
await opened.close();
await browser.close();
