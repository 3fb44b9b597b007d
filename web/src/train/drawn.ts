/*
 * Says when a picture is on the screen: `railquest:drawn` on its canvas, which bubbles to the document. Programs that drive
 * a browser measure by it what a picture takes from its light to its pixels. There is no buffer: who does not listen misses it.
 */

export const DRAWN = 'railquest:drawn';

export interface Drawn {
	train?: string; // where there are several
	number: number;
	trace: string;
	at_us: number | null; // of its capture, on the monitor's clock
	drawn_ms: number; // Unix time, in fractions of a millisecond
}

/** The canvas was drawn on just now: the frame that has it is painted after the next animation callbacks. */
export function tellDrawn(canvas: HTMLCanvasElement, picture: Omit<Drawn, 'drawn_ms'>): void {
	requestAnimationFrame(() => {
		const { port1, port2 } = new MessageChannel(); // its message comes after the painting, and sooner than a timer
		port1.onmessage = () => {
			port1.close();
			const detail: Drawn = { ...picture, drawn_ms: performance.timeOrigin + performance.now() };
			canvas.dispatchEvent(new CustomEvent<Drawn>(DRAWN, { bubbles: true, detail }));
		};
		port2.postMessage(null);
	});
}
