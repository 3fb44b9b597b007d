/*
 * Which way news and pictures take from the monitor to this page. Pure: what happened and when goes in, which connections
 * there should be comes out.
 *
 * The ladder is WebSocket, SSE, Motion JPEG, single requests. A connection that opens proves nothing, for software on the way
 * may accept a stream and pass on nothing of it: only what arrives does. So one rung runs, whose word is heard, and at most one is
 * being tried, which takes over with its first word. Where nothing runs for a second, single requests are a stopgap that needs
 * no trying. A rung that was refused, fell silent or was cut is left for the one below, and tried again later, after ever
 * longer times; the monitor speaks at least once a second on each, so silence means something.
 *
 * If single requests fail as well it is not the way that is at fault: the monitor is away. When it answers again all is forgiven.
 */

export type Stream = 'ws' | 'sse' | 'mjpeg';
export type Rung = Stream | 'poll';
export type Trouble = 'refused' | 'silent' | 'cut';

export const STREAMS: readonly Stream[] = ['ws', 'sse', 'mjpeg'];
export const STOPGAP_MS = 1_000;
export const SILENCE_MS = 2_000;
export const OPEN_MS = 4_000; // a long way and back, several times
export const RETRY_MS = 5_000; // doubled with each failure
export const MAX_RETRY_MS = 300_000;
export const GOOD_MS = 60_000; // what ran for so long has no past
export const SHORT_MS = 5_000; // what was cut sooner is not worth having again at once
export const ASKED_RETRY_MS = 500;
const POLL_COUNTS_MS = 3_000;
const LATE_TICK_MS = 500;

/** Why a rung above is not the one that runs; `opening`: it is being tried. */
export interface Because {
	rung: Stream;
	trouble: Trouble | 'opening';
}

export interface Transport {
	rung: Rung | null; // null: nothing comes through
	because: Because[];
	asked: boolean; // the viewer chose it
}

interface Blame {
	trouble: Trouble;
	count: number;
	retry_ms: number;
}

export class Ladder {
	private readonly streams: readonly Stream[];
	private running: Stream | null = null;
	private since_ms = 0; // when it took over
	private heard_ms = 0; // its last word
	private trying: { rung: Stream; began_ms: number; opened_ms: number | null } | null = null;
	private quiet_ms = 0; // since when nothing runs
	private answered_ms = -Infinity; // the last answer to a single request
	private away = false;
	private ticked_ms: number;
	private readonly blames = new Map<Stream, Blame>();

	constructor(
		now_ms: number,
		private readonly only: Rung | null = null,
	) {
		this.streams = only === null ? STREAMS : STREAMS.filter((rung) => rung === only);
		this.quiet_ms = this.ticked_ms = now_ms;
		this.climb(now_ms);
	}

	/** The streams that are to be open. */
	get open(): Stream[] {
		return [this.running, this.trying?.rung].filter((rung): rung is Stream => !!rung);
	}

	/** Are pictures to be asked for one by one? */
	polls(now_ms: number): boolean {
		if (this.only !== null) return this.only === 'poll';
		return this.running === null && now_ms - this.quiet_ms >= STOPGAP_MS;
	}

	/** Motion JPEG is pictures alone: what else there is to know is asked for. */
	get lacksNews(): boolean {
		return this.running === 'mjpeg';
	}

	get runs(): Stream | null {
		return this.running;
	}

	/** How long nothing has run; 0 while something does. */
	quietFor(now_ms: number): number {
		return this.running ? 0 : now_ms - this.quiet_ms;
	}

	transport(now_ms: number): Transport {
		const answered = this.polls(now_ms) && now_ms - this.answered_ms < POLL_COUNTS_MS;
		const rung = this.running ?? (answered ? 'poll' : null);
		const below = rung === null || rung === 'poll' ? this.streams.length : this.streams.indexOf(rung);
		const because: Because[] = [];
		for (const above of this.streams.slice(0, below)) {
			const trouble = this.blames.get(above)?.trouble ?? (this.trying?.rung === above ? 'opening' : null);
			if (trouble) because.push({ rung: above, trouble });
		}
		return { rung, because, asked: this.only !== null };
	}

	// --- what happens ---

	/** It is connected: its head has come. */
	opened(rung: Stream, now_ms: number): void {
		if (this.trying?.rung === rung) this.trying.opened_ms ??= now_ms;
	}

	/** Something came by it. */
	heard(rung: Stream, now_ms: number): void {
		if (this.trying?.rung === rung) {
			this.trying = null;
			this.running = rung;
			this.since_ms = now_ms;
		}
		if (this.running === rung) this.heard_ms = now_ms;
		this.back(now_ms);
	}

	/** It was refused, or it ended. */
	ended(rung: Stream, now_ms: number): void {
		if (this.trying?.rung === rung) {
			const { opened_ms } = this.trying;
			this.trying = null;
			this.blame(rung, opened_ms === null ? 'refused' : 'cut', now_ms);
		} else if (this.running === rung) {
			this.running = null;
			this.quiet_ms = now_ms;
			const known = this.blames.get(rung);
			if (now_ms - this.since_ms < SHORT_MS) this.blame(rung, 'cut', now_ms);
			else if (known) known.retry_ms = now_ms;
		}
		this.climb(now_ms);
	}

	/** A single request was answered, or was not. */
	polled(ok: boolean, now_ms: number): void {
		if (!ok) {
			this.away ||= this.running === null;
			return;
		}
		this.answered_ms = now_ms;
		this.back(now_ms);
	}

	/** Called some times a second. */
	tick(now_ms: number): void {
		this.wakeUp(now_ms);
		if (this.running && now_ms - this.heard_ms >= SILENCE_MS) {
			this.quiet_ms = this.heard_ms;
			this.blame(this.running, 'silent', now_ms);
			this.running = null;
		}
		if (this.trying) {
			const { rung, began_ms, opened_ms } = this.trying;
			const silent = opened_ms === null ? now_ms - began_ms >= OPEN_MS : now_ms - opened_ms >= SILENCE_MS;
			if (silent) {
				this.trying = null;
				this.blame(rung, 'silent', now_ms);
			}
		}
		if (this.running && now_ms - this.since_ms >= GOOD_MS) this.blames.delete(this.running);
		this.climb(now_ms);
	}

	// --- what follows from it ---

	/** A page that slept has not heard anything, which is nobody's fault: the time does not count. */
	private wakeUp(now_ms: number): void {
		const slept_ms = now_ms - this.ticked_ms;
		this.ticked_ms = now_ms;
		if (slept_ms < LATE_TICK_MS) return;
		this.heard_ms = Math.min(now_ms, this.heard_ms + slept_ms);
		if (!this.trying) return;
		this.trying.began_ms = Math.min(now_ms, this.trying.began_ms + slept_ms);
		if (this.trying.opened_ms !== null) this.trying.opened_ms = Math.min(now_ms, this.trying.opened_ms + slept_ms);
	}

	private blame(rung: Stream, trouble: Trouble, now_ms: number): void {
		const count = (this.blames.get(rung)?.count ?? 0) + 1;
		const pause_ms = this.only === null ? Math.min(RETRY_MS * 2 ** (count - 1), MAX_RETRY_MS) : ASKED_RETRY_MS;
		this.blames.set(rung, { trouble, count, retry_ms: now_ms + pause_ms });
	}

	/** The monitor is heard, and was not before: the ways to it are as good as new. */
	private back(now_ms: number): void {
		if (!this.away) return;
		this.away = false;
		this.blames.clear();
		this.climb(now_ms);
	}

	/** Tries the highest rung above the one that runs whose time has come. */
	private climb(now_ms: number): void {
		if (this.trying) return;
		for (const rung of this.streams) {
			if (rung === this.running) return;
			if (now_ms < (this.blames.get(rung)?.retry_ms ?? -Infinity)) continue;
			this.trying = { rung, began_ms: now_ms, opened_ms: null };
			return;
		}
	}
}
