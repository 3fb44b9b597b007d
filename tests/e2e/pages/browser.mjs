// Debian's Chromium for the pages' tests, watched: what it asks for, what it complains of.

import { chromium } from 'playwright-core';

// Without the background flags Chromium looks for its maker's hosts at every start.
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

export const launch = () =>
	chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/**
 * A page of its own, and what happened on it: every address asked for, every complaint (console errors, exceptions, refused
 * requests, violations of the Content-Security-Policy).
 */
export async function open(browser, url, options = {}) {
	const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1920, height: 1080 }, ...options });
	const page = await context.newPage();
	const asked = [];
	const complaints = [];
	page.on('request', (request) => asked.push(request.url()));
	page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(error.message));
	page.on('requestfailed', (request) => {
		// The stream of a page that is left is cut by the browser itself.
		const aborted = request.failure()?.errorText === 'net::ERR_ABORTED';
		if (!aborted) complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
	});
	if (options.javaScriptEnabled !== false) {
		await page.addInitScript(() => {
			addEventListener('securitypolicyviolation', (event) =>
				console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
			);
		});
	}
	await page.goto(url);
	return { page, asked, complaints, close: () => context.close() };
}

/** What a PNG shows: how many colours it has, and the share of the commonest. */
export async function look(browser, png) {
	const context = await browser.newContext();
	const page = await context.newPage();
	const seen = await page.evaluate(async (base64) => {
		const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
		const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
		const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
		canvas.drawImage(image, 0, 0);
		const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
		const counts = new Map();
		for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
		return {
			width: image.width,
			height: image.height,
			colours: counts.size,
			commonest: Math.max(...counts.values()) / pixels.length,
		};
	}, png.toString('base64'));
	await context.close();
	return seen;
}
