/*
 * Which picture is shown, and which boxes on it. A picture waits for its own result, so that boxes lie where the signs were
 * when the picture was taken; but not for long, and not at all while nothing detects. Pure: time is an argument.
 */

export const PATIENCE_MS = 300; // without a new picture on the page
export const EXPECT_MS = 1_000; // since the last result: none is awaited any more
const MAX_WAITING = 6;
const MAX_RESULTS = 16;

export interface Numbered {
	number: number;
	trace: string;
}

export interface Traced {
	trace: string;
}

export class Gallery<P extends Numbered, R extends Traced> {
	shown: P | null = null;
	/** Of the picture shown; null where it has none (yet). */
	result: R | null = null;
	private waiting: P[] = []; // oldest first
	private results: R[] = [];
	private shown_ms = -Infinity;
	private result_ms = -Infinity;

	/** `drop` gets each picture that is not needed any more. */
	constructor(private readonly drop: (picture: P) => void) {}

	picture(picture: P, now_ms: number): void {
		// A monitor that started anew counts from 1 again: what is newer is what comes later.
		this.waiting.push(picture);
		if (this.waiting.length > MAX_WAITING) this.drop(this.waiting.shift() as P);
		if (this.resultOf(picture) || now_ms - this.result_ms > EXPECT_MS) this.show(picture, now_ms);
	}

	take(result: R, now_ms: number): void {
		this.result_ms = now_ms;
		this.results.push(result);
		if (this.results.length > MAX_RESULTS) this.results.shift();
		if (this.shown?.trace === result.trace) this.result = result;
		const picture = this.waiting.find((waiting) => waiting.trace === result.trace);
		if (picture) this.show(picture, now_ms);
	}

	tick(now_ms: number): void {
		const newest = this.waiting.at(-1);
		if (newest && now_ms - this.shown_ms > PATIENCE_MS) this.show(newest, now_ms);
	}

	private resultOf(picture: P): R | undefined {
		return this.results.find((result) => result.trace === picture.trace);
	}

	private show(picture: P, now_ms: number): void {
		const at = this.waiting.indexOf(picture);
		if (this.shown) this.drop(this.shown);
		for (const passed of this.waiting.slice(0, at)) this.drop(passed);
		this.waiting = this.waiting.slice(at + 1);
		this.shown = picture;
		this.result = this.resultOf(picture) ?? null;
		this.shown_ms = now_ms;
	}
}
