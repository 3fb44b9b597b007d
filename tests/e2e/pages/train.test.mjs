// The train's page in a real Chromium, over a real broker: `MONITOR_BIN=build/bin/railquest-monitor node --test
// tests/e2e/pages/train.test.mjs`. tests/e2e/test_monitor_page.py runs it among the other tests.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, look, open } from './browser.mjs';
import { wait, world } from './world.mjs';

const OUT = process.env.OUT ?? 'build/pages-test';
const LIMIT_MS = 60_000; // for one test
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DANGER = [255, 59, 48]; // colours of the boxes' edges (Picture.svelte)
const SLOW = [255, 214, 10];
const SIGN = [0, 200, 255]; // what the pictures show where a sign is

let browser;

before(async () => {
	mkdirSync(OUT, { recursive: true });
	browser = await launch();
});

after(() => browser?.close());

/** Runs `body` in a world of its own, with a page that the viewer sees. */
async function inWorld(body, { options = [], ...viewer } = {}) {
	const train = await world('--stale-after', '2s', ...options);
	try {
		const opened = await open(browser, train.url, viewer);
		await opened.page.waitForSelector('[data-link=live]');
		const late = wait(LIMIT_MS).then(() => Promise.reject(new Error(`it takes more than ${LIMIT_MS} ms`)));
		await Promise.race([body(train, opened.page, opened), late]);
		await opened.close();
	} finally {
		await train.stop();
	}
}

/** A picture of a drawn scene, with signs as plain rectangles where `signs` says. */
async function picture(format, width, height, signs) {
	const context = await browser.newContext();
	const page = await context.newPage();
	const base64 = await page.evaluate(
		async ({ format, width, height, signs, colour }) => {
			const canvas = new OffscreenCanvas(width, height);
			const paint = canvas.getContext('2d');
			const sky = paint.createLinearGradient(0, 0, 0, height);
			sky.addColorStop(0, '#26323c');
			sky.addColorStop(1, '#4a4034');
			paint.fillStyle = sky;
			paint.fillRect(0, 0, width, height);
			paint.strokeStyle = '#8a8a86';
			paint.lineWidth = width / 60;
			for (const side of [-1, 1]) {
				paint.beginPath();
				paint.moveTo(width / 2, height / 3);
				paint.lineTo(width / 2 + (side * width) / 3, height);
				paint.stroke();
			}
			paint.fillStyle = `rgb(${colour})`;
			for (const [x, y, w, h] of signs) paint.fillRect(x, y, w, h);
			const blob = await canvas.convertToBlob({ type: `image/${format}`, quality: 0.95 });
			const bytes = new Uint8Array(await blob.arrayBuffer());
			let text = '';
			for (const byte of bytes) text += String.fromCharCode(byte);
			return btoa(text);
		},
		{ format, width, height, signs, colour: SIGN },
	);
	await context.close();
	return { format, width, height, bytes: Buffer.from(base64, 'base64') };
}

/** The smallest rectangle around all pixels of nearly that colour, in pixels of the screenshot. */
async function extent(png, colour) {
	const context = await browser.newContext();
	const page = await context.newPage();
	const found = await page.evaluate(
		async ({ base64, colour }) => {
			const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
			const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
			const paint = new OffscreenCanvas(image.width, image.height).getContext('2d');
			paint.drawImage(image, 0, 0);
			const { data } = paint.getImageData(0, 0, image.width, image.height);
			let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
			for (let i = 0; i < data.length; i += 4) {
				if (colour.some((value, k) => Math.abs(data[i + k] - value) > 24)) continue;
				const x = (i / 4) % image.width;
				const y = Math.floor(i / 4 / image.width);
				[left, top] = [Math.min(left, x), Math.min(top, y)];
				[right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
			}
			return [left, top, right, bottom];
		},
		{ base64: png.toString('base64'), colour },
	);
	await context.close();
	return found;
}

const detection = (class_name, box, confidence = 0.9) => ({
	class_id: class_name === 'DangerAhead' ? 1 : 0,
	class_name,
	confidence,
	box,
});

/** Frame, result and decision of one picture, as the services would say them; waits until it is on the page. */
async function show(train, page, image, detections, order = 'go', reason = 'no sign', cause = {}) {
	const named = await train.frame(image);
	await train.result(named, detections);
	await train.decide(named, order, reason, cause);
	await page.waitForSelector(`[data-trace="${named.trace}"]`);
	await page.waitForSelector(`.picture[data-boxes="${detections.length}"]`);
	return named;
}

const still = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

async function screenshot(page, name) {
	const png = await page.screenshot({ path: join(OUT, `${name}.png`) });
	const seen = await look(browser, png);
	assert.ok(seen.colours >= 60, `${name} looks blank: ${JSON.stringify(seen)}`);
}

function assertClean({ asked, complaints }, base) {
	const elsewhere = asked.filter((url) => new URL(url).origin !== new URL(base).origin);
	assert.deepEqual(elsewhere, [], 'requests that left the host');
	assert.deepEqual(complaints, []);
}

test('boxes lie where the signs are, at 640x480, 600x400 and 1920x1080', async () => {
	await inWorld(async (train, page, opened) => {
		for (const [width, height, format] of [[640, 480, 'jpeg'], [600, 400, 'png'], [1920, 1080, 'jpeg']]) {
			const box = [width * 0.55, height * 0.35, width * 0.08, height * 0.2].map(Math.round);
			const image = await picture(format, width, height, [box]);
			await show(train, page, image, [detection('DangerAhead', box)]);
			await page.waitForFunction(() => document.querySelector('.box'));
			await still(page);
			const edges = await extent(await page.locator('.picture').screenshot(), DANGER);
			await page.keyboard.press('b'); // without boxes
			await still(page);
			const sign = await extent(await page.locator('.picture').screenshot(), SIGN);
			await page.keyboard.press('b');
			assert.ok(sign[2] > sign[0], 'the picture shows its sign');
			edges.forEach((edge, i) =>
				assert.ok(Math.abs(edge - sign[i]) <= 2, `${width}x${height}: box ${edges}, sign ${sign}`),
			);
		}
		assertClean(opened, train.url);
	}, { options: ['--stale-after', '60s'] }); // a stale picture is grey, and screenshots of a busy machine take long
});

test('the page tells programs when a picture is on the screen', async () => {
	await inWorld(async (train, page) => {
		await page.evaluate(() => {
			window.drawn = [];
			document.addEventListener('railquest:drawn', ({ detail }) => window.drawn.push(detail));
		});
		const image = await picture('jpeg', 640, 480, []);
		for (let i = 0; i < 2; i++) {
			const before_ms = Date.now();
			const { trace } = await show(train, page, image, []);
			await page.waitForFunction((trace) => window.drawn.some((drawn) => drawn.trace === trace), trace);
			const told = await page.evaluate((trace) => window.drawn.filter((drawn) => drawn.trace === trace), trace);
			const { frame } = await train.status();
			assert.equal(told.length, 1);
			assert.deepEqual([told[0].number, told[0].at_us], [frame.number, frame.at_us]);
			assert.ok(told[0].drawn_ms >= before_ms && told[0].drawn_ms <= Date.now() + 1, JSON.stringify([before_ms, told]));
		}
	});
});

test('the box of the sign that decides stands out, names are in the language of the viewer', async () => {
	await inWorld(
		async (train, page, opened) => {
			const [near, far] = [[300, 200, 90, 120], [500, 180, 30, 40]];
			const image = await picture('jpeg', 640, 480, [near, far]);
			await show(train, page, image, [detection('DangerAhead', near, 0.934), detection('SpeedLimit', far, 0.61)], 'stop',
				'DangerAhead, 90x120 pixels, seen in 1 of 1 pictures', { track: 3, class_name: 'DangerAhead', box: near });
			await page.waitForSelector('.order[data-order=stop]');
			assert.equal(await page.locator('.box.deciding').count(), 1);
			assert.match(await page.locator('.box.deciding').innerText(), /Danger\s+93\s%/);
			assert.match(await page.locator('.box.slow').innerText(), /Limitation de vitesse\s+61\s%/);
			assert.match(await page.locator('.order').innerText(), /Arrêt[^]*Danger, 90×120 pixels, vu dans 1 image/);
			await page.keyboard.press('t');
			await page.waitForFunction(() => document.querySelector('.box.slow')?.textContent.includes('Speed limit'));
			assert.match(await page.locator('.order').innerText(), /Stop[^]*Danger ahead/);
			assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
			await page.getByRole('button', { name: 'Boxes' }).click();
			assert.equal(await page.locator('.box').count(), 0);
			assertClean(opened, train.url);
		},
		{ locale: 'fr-FR' },
	);
});

test('a picture that stands still goes STALE, and a new one is live again', async () => {
	await inWorld(async (train, page) => {
		const image = await picture('jpeg', 640, 480, [[10, 10, 60, 60]]);
		await show(train, page, image, [detection('DangerAhead', [10, 10, 60, 60])]);
		assert.equal(await page.locator('.picture.stale').count(), 0);
		await page.waitForSelector('.picture.stale', { timeout: 6_000 });
		assert.match(await page.locator('.stale-mark').innerText(), /STALE/);
		await screenshot(page, 'train-stale');
		await show(train, page, image, [detection('DangerAhead', [10, 10, 60, 60])]);
		await page.waitForSelector('.picture:not(.stale)', { timeout: 2_000 });
	});
});

test('a monitor that dies leaves a page that says STALE, cannot stop, says so, and comes back', async () => {
	await inWorld(async (train, page) => {
		const image = await picture('jpeg', 640, 480, []);
		await show(train, page, image, []);
		await train.killMonitor();
		await page.waitForSelector('[data-link=reconnecting]', { timeout: 6_000 });
		await page.waitForSelector('.picture.stale', { timeout: 6_000 });
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-command=stop][data-outcome=unsent]', { timeout: 4_000 });
		assert.match(await page.locator('.given').innerText(), /NOT SENT[^]*by hand/);
		await train.startMonitor();
		await page.waitForSelector('[data-link=live]', { timeout: 10_000 });
		await show(train, page, image, []);
		await page.waitForSelector('.picture:not(.stale)', { timeout: 4_000 });
	});
});

test('STOP sends the command by button, Space and Escape, and shows that it was done', async () => {
	await inWorld(async (train, page, opened) => {
		const commands = [];
		await train.controller((command) => {
			commands.push(command);
			void train.telemetry({
				mode: 'disarmed', armed: false, percent: 0,
				command: { id: command.id, command: command.command, done: true, reason: '' },
			});
		});
		await train.telemetry();
		await page.waitForSelector('[data-mode=going]');
		await page.getByRole('button', { name: 'STOP' }).click();
		await page.waitForSelector('[data-command=stop][data-outcome=done]');
		assert.equal(commands.length, 1);
		assert.equal(commands[0].kind, 'command');
		assert.equal(commands[0].command, 'stop');
		await page.waitForSelector('[data-mode=disarmed]');
		await page.keyboard.press('Space');
		await page.waitForFunction(() => document.querySelector('.given')?.dataset.outcome === 'done');
		for (let i = 0; i < 40 && commands.length < 2; i++) await wait(50);
		assert.equal(commands.length, 2);
		// Even where another button has the keyboard: Space stops, it does not press that button.
		await page.getByRole('button', { name: 'Disarm' }).focus();
		await page.keyboard.press('Space');
		await page.keyboard.press('Escape');
		for (let i = 0; i < 40 && commands.length < 4; i++) await wait(50);
		assert.deepEqual(commands.map(({ command }) => command), ['stop', 'stop', 'stop', 'stop']);
		assertClean(opened, train.url);
	});
});

test('Arm wants a second press, and says why it was refused', async () => {
	await inWorld(async (train, page) => {
		const commands = [];
		await train.controller((command) => {
			commands.push(command);
			void train.telemetry({
				mode: 'no-hub', armed: false, percent: 0,
				command: { id: command.id, command: command.command, done: false, reason: 'the hub is not ready' },
			});
		});
		await page.getByRole('button', { name: 'Arm', exact: true }).click();
		await page.getByRole('button', { name: 'Press again to arm' }).waitFor();
		await page.getByRole('button', { name: 'Arm', exact: true }).waitFor({ timeout: 6_000 }); // it forgets
		assert.equal(commands.length, 0);
		await page.getByRole('button', { name: 'Arm', exact: true }).click();
		await page.getByRole('button', { name: 'Press again to arm' }).click();
		await page.waitForSelector('[data-command=arm][data-outcome=refused]');
		assert.match(await page.locator('.given').innerText(), /the hub is not ready/);
		const listed = page.locator('[data-given=arm][data-became=refused]');
		assert.match(await listed.innerText(), /this machine:\s+Arm, refused\s+the hub is not ready/);
		assert.equal(await listed.locator('.who').getAttribute('title'), '127.0.0.1');
		await page.keyboard.press('t');
		assert.match(await listed.innerText(), /cette machine\s*:\s+Armer, refusé\s+le hub n’est pas prêt/);
		assert.equal(commands.length, 1);
		assert.ok(commands[0].deadline_ms > 0 && /^[0-9a-f]{32}$/.test(commands[0].clock));
	});
});

test('a command that nobody hears is told within some seconds', async () => {
	await inWorld(async (train, page) => {
		await train.telemetry(); // going, and so it stays
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-command=stop][data-outcome=unanswered]', { timeout: 4_000 });
		assert.match(await page.locator('.given').innerText(), /NO EFFECT[^]*by hand/);
		train.killBroker();
		await train.status((status) => !status.hello.broker);
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-command=stop][data-outcome=unsent]', { timeout: 4_000 });
		assert.match(await page.locator('.given').innerText(), /broker/);
	});
});

test('the page shows mode, speed, battery, hops and services', async () => {
	await inWorld(async (train, page, opened) => {
		const image = await picture('jpeg', 640, 480, [[300, 200, 90, 120]]);
		await train.present('capture', true);
		await train.present('decision', false);
		for (let i = 0; i < 4; i++) {
			await show(train, page, image, [detection('SpeedLimit', [300, 200, 90, 120])], 'slow',
				'SpeedLimit, 90x120 pixels, seen in 3 of 3 pictures', { track: 1, class_name: 'SpeedLimit', box: [300, 200, 90, 120] });
			await train.telemetry({
				mode: 'slow', percent: 70, battery_percent: 81, rssi_dbm: -61, volts: 7.25, speed_mps: 0.71, stop_distance_m: 0.32,
				hub: 'print',
			});
		}
		await page.waitForSelector('[data-mode=slow]');
		const text = await page.locator('aside').innerText();
		for (const part of ['70 %', '0.71 m/s', 'stops within 0.32 m', '81 %', '7.3 V', '-61 dBm', 'armed'])
			assert.ok(text.includes(part), `${part} is not in ${text}`);
		await page.waitForSelector('[data-service=capture][data-state=up]');
		await page.waitForSelector('[data-service=decision][data-state=gone]');
		await page.waitForSelector('[data-service=controller][data-state=unknown]');
		assert.match(await page.locator('[data-hop=inference] dd').innerText(), /^\d/);
		await page.waitForTimeout(600); // the curves are drawn twice a second
		await screenshot(page, 'train');
		await page.keyboard.press('l');
		await page.keyboard.press('l');
		await still(page);
		await screenshot(page, 'train-contrast');
		// A controller that has gone silent is not shown as if it still drove.
		await page.waitForSelector('[data-silent=true]', { timeout: 4_000 });
		assertClean(opened, train.url);
	});
});

test('on a phone nothing is cut and STOP is always in sight, in both languages', async () => {
	await inWorld(
		async (train, page) => {
			const image = await picture('jpeg', 640, 480, [[300, 200, 90, 120]]);
			await train.present('capture', true);
			await train.telemetry({ battery_percent: 9, battery_low: true, volts: 6.1, rssi_dbm: -80, hub: 'City hub 90:84:2B:01:02:03' });
			await show(train, page, image, [detection('DangerAhead', [300, 200, 90, 120])], 'stop',
				'DangerAhead, 90x120 pixels, seen in 1 of 1 pictures', { track: 1, class_name: 'DangerAhead', box: [300, 200, 90, 120] });
			for (const lang of ['fr', 'en']) {
				await page.locator(`nav a[lang=${lang}]`).click();
				await page.waitForFunction((code) => document.documentElement.lang === code, lang);
				await screenshot(page, `train-phone-${lang}`);
				const layout = await page.evaluate(() => ({
					beyond: document.scrollingElement.scrollWidth - 390,
					stop: document.querySelector('.stop').getBoundingClientRect().toJSON(),
				}));
				assert.ok(layout.beyond <= 0, `${lang}: ${layout.beyond} px wider than the phone`);
				assert.ok(layout.stop.bottom <= 844 && layout.stop.height >= 90 && layout.stop.width >= 180, JSON.stringify(layout.stop));
			}
			await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
			const { bottom } = await page.evaluate(() => document.querySelector('.stop').getBoundingClientRect().toJSON());
			assert.ok(bottom <= 844);
			await screenshot(page, 'train-phone-foot');
		},
		PHONE,
	);
});

test('on a phone laid on its side STOP stays in sight, too', async () => {
	await inWorld(
		async (train, page) => {
			const image = await picture('jpeg', 640, 480, [[300, 200, 90, 120]]);
			await train.telemetry({ battery_percent: 50, volts: 7, rssi_dbm: -70, hub: 'print' });
			await show(train, page, image, [detection('DangerAhead', [300, 200, 90, 120])]);
			for (const down of [0, 10_000]) {
				await page.evaluate((y) => scrollTo(0, y), down);
				const { beyond, stop } = await page.evaluate(() => ({
					beyond: document.scrollingElement.scrollWidth - 844,
					stop: document.querySelector('.stop').getBoundingClientRect().toJSON(),
				}));
				assert.ok(beyond <= 0, `${beyond} px wider than the phone`);
				assert.ok(stop.top >= 0 && stop.bottom <= 390 && stop.right <= 844, JSON.stringify(stop));
				await screenshot(page, `train-side-${down}`);
			}
		},
		{ ...PHONE, viewport: { width: 844, height: 390 } },
	);
});

test('at 1920 by 1080 everything is in sight without a scrollbar', async () => {
	await inWorld(async (train, page) => {
		const image = await picture('jpeg', 1920, 1080, [[900, 400, 120, 160]]);
		await show(train, page, image, [detection('DangerAhead', [900, 400, 120, 160])]);
		await train.telemetry({ battery_percent: 50, volts: 7, rssi_dbm: -70, hub: 'print', stop_distance_m: 0.3 });
		await page.waitForSelector('[data-mode=going]');
		const beyond = await page.evaluate(() => [
			document.scrollingElement.scrollWidth - innerWidth,
			document.scrollingElement.scrollHeight - innerHeight,
		]);
		assert.deepEqual(beyond.map((px) => px <= 0), [true, true], String(beyond));
		const shown = await page.locator('.picture').boundingBox();
		assert.ok(shown.width > 1000, `the picture is ${shown.width} px wide`);
	});
});

test('a monitor with a token asks for it, says why STOP did not go out, and opens with it', async () => {
	const token = 'correct-horse-battery-staple';
	const file = join(OUT, 'token');
	writeFileSync(file, `${token}\n`);
	const train = await world('--token-file', file);
	try {
		const opened = await open(browser, train.url);
		const { page } = opened;
		await page.waitForSelector('[data-link=locked]');
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-command=stop][data-outcome=unsent]');
		assert.match(await page.locator('.given').innerText(), /token/);
		await page.getByLabel('Token').fill('not this one, surely');
		await page.getByRole('button', { name: 'Unlock' }).click();
		await page.waitForTimeout(1_500);
		assert.equal(await page.locator('[data-link=locked]').count(), 1);
		await page.getByLabel('Token').fill(token);
		await page.getByLabel('Token').press('Enter');
		await page.waitForSelector('[data-link=live]');
		const image = await picture('jpeg', 640, 480, []);
		await show(train, page, image, []);
		const commands = [];
		await train.controller((command) => commands.push(command));
		await page.getByRole('button', { name: 'STOP' }).click();
		for (let i = 0; i < 40 && commands.length < 1; i++) await wait(50);
		assert.equal(commands[0].command, 'stop');
		await page.reload(); // it is remembered as long as the tab is there
		await page.waitForSelector('[data-link=live]');
		await opened.close();
	} finally {
		await train.stop();
	}
});

test('a way that is forbidden or swallowed is noticed, another carries it, and the page says why', async () => {
	await inWorld(async (train) => {
		const opened = await open(browser, 'about:blank');
		const { page } = opened;
		await page.addInitScript(() => delete window.WebSocket);
		await page.route('**/api/train/stream', () => {}); // never answered
		const image = await picture('jpeg', 640, 480, []);
		await train.frame(image);
		await page.goto(train.url);
		await page.waitForSelector('[data-transport=mjpeg][data-because="ws:refused sse:silent"]', { timeout: 15_000 });
		await page.waitForSelector('[data-link=live]');
		assert.match(await page.locator('.transport').innerText(), /by Motion JPEG.*WebSocket: refused.*SSE: connected, but nothing/);
		await show(train, page, image, []);
		await page.route('**/api/train/live.mjpeg', () => {});
		await page.goto(train.url);
		await page.waitForSelector('[data-link=polling]', { timeout: 15_000 });
		await page.waitForSelector('[data-transport=poll][data-because^="ws:refused"]');
		await show(train, page, image, []);
		await opened.close();
	});
});

test('a slow viewer gets the newest picture and not a queue, as it came on the wire', async () => {
	await inWorld(async (train) => {
		const image = await picture('jpeg', 640, 480, [[1, 1, 30, 30]]);
		let last;
		for (let i = 0; i < 12; i++) last = await train.frame(image);
		await train.status((status) => status.frame?.trace === last.trace);
		const answer = await fetch(`${train.url}/api/train/frame.jpg`);
		assert.equal(answer.headers.get('x-train-trace'), last.trace);
		assert.equal(answer.headers.get('content-type'), 'image/jpeg');
		const bytes = Buffer.from(await answer.arrayBuffer());
		const digest = (data) => createHash('sha256').update(data).digest('hex');
		assert.equal(digest(bytes), digest(image.bytes));
		const number = answer.headers.get('x-train-picture');
		assert.equal((await fetch(`${train.url}/api/train/frame.jpg?after=${number}`)).status, 204);
		assert.equal((await fetch(`${train.url}/api/train/frame.jpg?after=x`)).status, 400);
	});
});
