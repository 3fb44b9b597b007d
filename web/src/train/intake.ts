/*
 * The pictures of one train on their way to the page, the newest alone: while one is decoded at most one waits, and a newer one
 * takes its place; so a slow viewer sees fewer pictures, not older ones.
 */

import { instant, type Arrived } from './ways';

export interface Picture {
	number: number;
	trace: string;
	at_us: number | null; // of its capture, on the monitor's clock; null where only news says it
	bitmap: ImageBitmap;
}

export class Intake {
	got = 0; // number of the newest picture that came
	private run = 0;
	private decoding = false;
	private waiting: Arrived | null = null;

	/** `onPicture` owns the bitmap that it is given. */
	constructor(private readonly onPicture: (picture: Picture) => void) {}

	/** A monitor that started anew counts from 1 again; what is being decoded is not shown any more. */
	restart(): void {
		this.run++;
		this.got = 0;
		this.waiting?.done();
		this.waiting = null;
	}

	arrive(picture: Arrived): void {
		this.waiting?.done();
		this.waiting = picture;
		if (!this.decoding) void this.decode();
	}

	/** An answer to a request for a picture. Throws where it is none. */
	async answer(answer: Response): Promise<void> {
		const { run } = this;
		if (!answer.ok) throw new Error(`${answer.status}`);
		const number = Number(answer.headers.get('X-Train-Picture'));
		const trace = answer.headers.get('X-Train-Trace') ?? '';
		const at_us = instant(answer.headers.get('X-Train-At-Us'));
		const blob = await answer.blob();
		await this.show({ place: 0, number, trace, at_us, blob, done: () => undefined }, run);
	}

	private async decode(): Promise<void> {
		this.decoding = true;
		while (this.waiting) {
			const picture = this.waiting;
			this.waiting = null;
			await this.show(picture, this.run);
		}
		this.decoding = false;
	}

	private async show(picture: Arrived, run: number): Promise<void> {
		const { number, trace, at_us, blob, done } = picture;
		let bitmap: ImageBitmap | null = null;
		try {
			if (number > this.got) bitmap = await createImageBitmap(blob);
		} catch {
			// no picture that this browser knows: the next one may be
		}
		done();
		if (run !== this.run || number <= this.got) return bitmap?.close();
		this.got = number;
		if (bitmap) this.onPicture({ number, trace, at_us, bitmap });
	}
}
