// When pictures are on the screen of a real Chromium: `node pixels.mjs ADDRESS`, in the folder where tests/e2e/chromium.py
// installs Playwright. Says "ready" once the page shows one, then a line of JSON for each; ends with its standard input.
import { launch, open } from './browser.mjs';

const browser = await launch();
const { page } = await open(browser, process.argv[2]);
await page.exposeFunction('tell', (detail) => console.log(JSON.stringify(detail)));
await page.evaluate(() => document.addEventListener('railquest:drawn', ({ detail }) => window.tell(detail)));
console.log('ready');
process.stdin.resume();
process.stdin.on('end', async () => {
	await browser.close();
	process.exit(0);
});
