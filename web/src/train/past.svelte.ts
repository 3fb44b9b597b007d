/*
 * The past on the train's page: a timeline, an instant of it, and a film that goes on from there. Events are fetched a stretch at a
 * time; of pictures the one whose turn it is, so that a slow way shows fewer of them and none late.
 */

import { Reel, type Film, type Moment, type PastEvent, type Timeline } from './past';

const STRETCH_MS = 30_000;
const BEFORE_MS = 6_000; // what was said before a stretch still holds in it
const AFTER_MS = 2_000; // a picture's result and decision come after it
const KEPT = 4; // stretches
const TICK_MS = 50;
const GAP_MS = 2_000; // where nothing is recorded for longer, playing goes on behind it

export const SPANS_MS = [60_000, 600_000, 3_600_000, 86_400_000, 604_800_000] as const;
export const FILMS_MS = [10_000, 60_000, 300_000] as const;

const NOTHING: Moment = { frame: null, detections: [], decision: null, telemetry: null };

export class Past {
	open = $state(false);
	line = $state.raw<Timeline | null>(null);
	span_ms = $state<number>(SPANS_MS[1]);
	at_ms = $state(0);
	playing = $state(false);
	speed = $state(1);
	moment = $state.raw<Moment>(NOTHING);
	changes = $state.raw<PastEvent[]>([]); // of the stretch
	bitmap = $state.raw<ImageBitmap | null>(null);
	shown = $state(-1); // number of the picture in `bitmap`
	trouble = $state(''); // in the monitor's words
	film = $state<Film | null>(null);
	width = $state(0); // of the picture that boxes refer to; 0: its own
	height = $state(0);

	private readonly reels = new Map<number, Reel | null>(); // null: it is being fetched
	private readonly growing = new Set<number>(); // stretches that were not over when they were fetched
	private fetching = false;
	private ticked_ms = 0;

	constructor(private readonly train: string) {}

	/** Returns what ends it. */
	start(): () => void {
		const timer = setInterval(() => this.tick(), TICK_MS);
		return () => {
			clearInterval(timer);
			this.bitmap?.close();
		};
	}

	/** The timeline anew: it ends now, or where one looks. */
	async look(end_ms = Date.now()): Promise<void> {
		const answer = await this.ask('history', { from: seconds(end_ms - this.span_ms), to: seconds(end_ms) });
		if (!answer?.ok) return;
		this.line = (await answer.json()) as Timeline;
		for (const stretch of this.growing) this.reels.delete(stretch); // there is more of them by now
		this.growing.clear();
	}

	async show(): Promise<void> {
		this.open = true;
		this.reels.clear();
		await this.look();
		this.seek(Math.max(this.line?.oldest_ms ?? 0, (this.line?.newest_ms ?? Date.now()) - 10_000));
	}

	close(): void {
		this.open = false;
		this.playing = false;
	}

	choose(span_ms: number): void {
		this.span_ms = span_ms;
		// What is looked at stays in the middle, as far as there is anything behind it.
		void this.look(Math.min(Date.now(), Math.max(this.at_ms + span_ms / 2, (this.line?.oldest_ms ?? 0) + span_ms)));
	}

	seek(at_ms: number): void {
		this.at_ms = Math.round(at_ms);
		if (this.line && (this.at_ms > this.line.to_ms || this.at_ms < this.line.from_ms)) void this.look(this.at_ms + this.span_ms / 2);
		this.see();
	}

	/** One picture on, or back. */
	step(way: -1 | 1): void {
		this.playing = false;
		const next_ms = this.reels.get(Math.floor(this.at_ms / STRETCH_MS))?.neighbour(this.at_ms, way);
		this.seek(next_ms ?? this.beyond(way));
	}

	/** The next instant that way of which the timeline knows a picture; where it knows none, a little further. */
	private beyond(way: -1 | 1): number {
		const spans = this.line?.pictures ?? [];
		if (way > 0) return spans.find(([from_ms]) => from_ms > this.at_ms)?.[0] ?? this.at_ms + 1_000;
		return spans.filter(([, to_ms]) => to_ms < this.at_ms).at(-1)?.[1] ?? this.at_ms - 1_000;
	}

	/** The timeline half its length on, or back; the instant stays. */
	shift(way: -1 | 1): void {
		if (this.line) void this.look(Math.min(Date.now(), this.line.to_ms + (way * this.span_ms) / 2));
	}

	play(): void {
		this.playing = !this.playing;
		this.ticked_ms = performance.now();
	}

	/** What comes from here on, the picture that is shown the first, as a file. */
	async clip(long_ms: number, boxes: boolean): Promise<void> {
		const from_ms = this.moment.frame?.at_ms ?? this.at_ms;
		this.film = 'making';
		const answer = await this.ask('history/clip.mp4', { from: seconds(from_ms), to: seconds(from_ms + long_ms), boxes: boxes ? '1' : '0' });
		this.film = answer?.status === 503 ? 'busy' : !answer?.ok ? 'failed' : answer.headers.has('X-Train-Cut') ? 'cut' : 'done';
		if (!answer?.ok) return;
		const link = document.createElement('a');
		link.href = URL.createObjectURL(await answer.blob());
		link.download = `${this.train || 'train'}-${new Date(from_ms).toISOString().slice(0, 19).replaceAll(':', '')}${boxes ? '-boxes' : ''}.mp4`;
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
	}

	private tick(): void {
		if (!this.open || !this.playing) return;
		const now_ms = performance.now();
		const end_ms = this.line?.newest_ms ?? 0;
		this.at_ms = Math.min(end_ms, this.at_ms + (now_ms - this.ticked_ms) * this.speed);
		if (this.reels.get(Math.floor(this.at_ms / STRETCH_MS)) && !this.moment.frame) this.leap();
		this.ticked_ms = now_ms;
		if (this.at_ms >= end_ms) this.playing = false;
		this.see();
	}

	/** Where nothing is recorded for long nobody wants to wait for it. */
	private leap(): void {
		const next = this.line?.pictures.find(([from_ms]) => from_ms > this.at_ms);
		if (next && next[0] - this.at_ms > GAP_MS) this.at_ms = next[0];
	}

	private see(): void {
		const stretch = Math.floor(this.at_ms / STRETCH_MS);
		const reel = this.reels.get(stretch);
		if (reel === undefined) void this.load(stretch);
		if (this.playing && !this.reels.has(stretch + 1) && this.at_ms - stretch * STRETCH_MS > STRETCH_MS / 2) void this.load(stretch + 1);
		this.moment = reel?.at(this.at_ms) ?? NOTHING;
		if (reel) this.changes = reel.changes;
		const { frame } = this.moment;
		if (frame && frame.number !== this.shown && !this.fetching) void this.fetch(frame);
		if (reel && !frame) this.forget();
	}

	private async load(stretch: number): Promise<void> {
		this.reels.set(stretch, null);
		const from_ms = stretch * STRETCH_MS;
		const to_ms = from_ms + STRETCH_MS + AFTER_MS;
		if (to_ms > (this.line?.to_ms ?? 0)) this.growing.add(stretch);
		const answer = await this.ask('history/events', { from: seconds(from_ms - BEFORE_MS), to: seconds(to_ms) });
		if (!answer?.ok) {
			this.reels.delete(stretch);
			this.playing = false;
			return;
		}
		this.reels.set(stretch, new Reel(((await answer.json()) as { events: PastEvent[] }).events));
		for (const key of this.reels.keys()) {
			if (this.reels.size <= KEPT) break;
			if (Math.abs(key - stretch) > 1) this.reels.delete(key);
		}
		this.see();
	}

	private async fetch(frame: PastEvent): Promise<void> {
		this.fetching = true;
		try {
			const answer = await this.ask('history/frame.jpg', { number: String(frame.number) });
			if (answer?.ok) {
				const bitmap = await createImageBitmap(await answer.blob());
				this.bitmap?.close();
				this.bitmap = bitmap;
				this.width = Number(answer.headers.get('X-Train-Width')) || bitmap.width;
				this.height = Number(answer.headers.get('X-Train-Height')) || bitmap.height;
			}
			this.shown = frame.number;
		} catch {
			this.shown = frame.number; // no picture can be made of it
		}
		this.fetching = false;
		if (this.moment.frame && this.moment.frame.number !== this.shown) this.see();
	}

	private forget(): void {
		this.bitmap?.close();
		this.bitmap = null;
		this.shown = -1;
	}

	private async ask(path: string, parameters: Record<string, string>): Promise<Response | null> {
		const query = new URLSearchParams(this.train ? { ...parameters, train: this.train } : parameters);
		const token = sessionStorage.getItem('railquest.token');
		try {
			const answer = await fetch(`api/train/${path}?${query}`, {
				headers: token ? { Authorization: `Bearer ${token}` } : {},
				cache: 'no-store',
			});
			this.trouble = answer.ok || !this.open ? '' : (((await answer.clone().json()) as { error?: string }).error ?? String(answer.status));
			return answer;
		} catch (error) {
			this.trouble = this.open ? String(error) : '';
			return null;
		}
	}
}

const seconds = (ms: number) => (ms / 1000).toFixed(3);
