/*
 * The link to the monitor: news and pictures by whatever way carries them (ladder.ts decides, ways.ts carries), commands, and
 * whether there is a link at all. Of pictures the newest alone: while one is decoded at most one waits, and a newer one takes its
 * place; so a slow viewer sees fewer pictures, not older ones.
 */

import type { LinkState } from '../api/link';
import type { News, Verb } from './contract';
import { Ladder, STOPGAP_MS, type Rung, type Stream, type Transport } from './ladder';
import { instant, openEvents, openMotionJpeg, openSocket, type Arrived, type Told, type Way } from './ways';

export { EventCutter } from './ways';

export type TrainLinkState = LinkState | 'locked';

export const SILENCE_MS = 3_000;
export const RETRY_MS = 500;
export const POLL_MS = 250;
const TICK_MS = 100;
const COMMAND_LIMIT_MS = 1_000;

/** Where the monitor's clock stands on ours: the least delayed message of this connection tells best. */
export class RemoteClock {
	private ahead_us = Infinity;
	private old = true;

	hear(now_us: number, here_ms: number): void {
		const ahead_us = here_ms * 1000 - now_us;
		this.ahead_us = this.old ? ahead_us : Math.min(this.ahead_us, ahead_us);
		this.old = false;
	}

	/** An instant of the monitor in milliseconds of performance.now(). */
	here_ms(at_us: number): number {
		return (at_us + this.ahead_us) / 1000;
	}

	/** The next message counts alone; until it comes, what was known holds. */
	begin(): void {
		this.old = true;
	}
}

export interface Picture {
	number: number;
	trace: string;
	at_us: number | null; // of its capture, on the monitor's clock; null where only news says it
	bitmap: ImageBitmap;
}

export interface Answer {
	ok: boolean;
	id: string;
	reason: string; // empty where the monitor did not answer
}

/** ?transport=: the way that the viewer chose; null: whichever works. */
export function askedRung(search: string): Rung | null {
	const asked = new URLSearchParams(search).get('transport');
	return (['ws', 'sse', 'mjpeg', 'poll'] as const).find((rung) => rung === asked) ?? null;
}

/** A signal that aborts after so long (AbortSignal.timeout is younger than some of our browsers). */
function limit(ms: number): AbortSignal {
	const abort = new AbortController();
	setTimeout(() => abort.abort(), ms);
	return abort.signal;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class TrainLink {
	readonly clock = new RemoteClock();
	private readonly only = askedRung(location.search);
	private ladder = new Ladder(performance.now(), this.only);
	private readonly ways = new Map<Stream, Way>();
	private ended = false;
	private locked = false;
	private state: TrainLinkState = 'connecting';
	private transport = '';
	private token = '';
	private run = '';
	private ran: Rung | null = null; // by which the last news came
	private told_us = -Infinity; // when the monitor said it
	private wanted = 0; // number of the newest picture that there is
	private got = 0;
	private fetching = false;
	private decoding = false;
	private waiting: Arrived | null = null;

	constructor(
		private readonly train: string, // its name; empty: the only one, or the first
		private readonly onNews: (news: News) => void,
		private readonly onPicture: (picture: Picture) => void,
		private readonly onState: (state: TrainLinkState) => void,
		private readonly onTransport: (transport: Transport) => void,
	) {
		this.token = sessionStorage.getItem('railquest.token') ?? '';
	}

	start(): () => void {
		void this.pollOnce(); // the first word, and whether a token is wanted
		void this.poll();
		const timer = setInterval(() => this.tick(), TICK_MS);
		this.tick();
		return () => {
			this.ended = true;
			clearInterval(timer);
			this.openAndClose([]);
		};
	}

	unlock(token: string): void {
		this.token = token.trim();
		sessionStorage.setItem('railquest.token', this.token);
		this.locked = false;
		this.ladder = new Ladder(performance.now(), this.only);
		this.say('connecting');
		void this.pollOnce();
	}

	async command(verb: Verb): Promise<Answer> {
		try {
			const answer = await fetch(this.address(verb), {
				method: 'POST',
				headers: { ...this.headers(), 'Content-Type': 'application/json' },
				body: '{}',
				keepalive: true, // it goes out even if the page is being left
				signal: limit(COMMAND_LIMIT_MS),
			});
			if (answer.status === 401) this.lock();
			const said = (await answer.json()) as { id?: string; error?: string };
			return { ok: answer.ok, id: said.id ?? '', reason: said.error ?? '' };
		} catch {
			return { ok: false, id: '', reason: '' };
		}
	}

	private address(what: string, more: Record<string, string> = {}): string {
		const asked = new URLSearchParams({ ...(this.train ? { train: this.train } : {}), ...more }).toString();
		return `./api/train/${what}${asked ? `?${asked}` : ''}`;
	}

	private headers(): Record<string, string> {
		return this.token ? { Authorization: `Bearer ${this.token}` } : {};
	}

	// --- whether there is a link, and by what ---

	private say(state: TrainLinkState): void {
		if (state === this.state) return;
		this.state = state;
		this.onState(state);
	}

	private lock(): void {
		this.locked = true;
		this.openAndClose([]);
		this.say('locked');
	}

	private tick(): void {
		if (!this.locked) this.ladder.tick(performance.now());
		this.settle();
	}

	/** Opens and closes what the ladder says, and tells the page. */
	private settle(): void {
		if (this.locked || this.ended) return;
		const now = performance.now();
		this.openAndClose(this.ladder.open);
		const transport = this.ladder.transport(now);
		const text = JSON.stringify(transport);
		if (text !== this.transport) this.onTransport(transport);
		this.transport = text;
		if (this.ladder.runs) this.say('live');
		else if (transport.rung === 'poll') this.say('polling');
		else if (this.state !== 'connecting' && this.ladder.quietFor(now) >= STOPGAP_MS) this.say('reconnecting');
	}

	private openAndClose(wanted: Stream[]): void {
		for (const [rung, way] of this.ways)
			if (!wanted.includes(rung)) {
				this.ways.delete(rung);
				way.close();
			}
		for (const rung of wanted) if (!this.ways.has(rung)) this.ways.set(rung, this.openWay(rung));
	}

	private openWay(rung: Stream): Way {
		const told: Told = {
			opened: () => this.ladder.opened(rung, performance.now()),
			heard: () => {
				this.ladder.heard(rung, performance.now());
				this.settle();
			},
			news: (text) => this.take(text, rung),
			picture: (picture) => this.arrive(picture),
			locked: () => this.lock(),
			ended: () => {
				this.ways.delete(rung);
				this.ladder.ended(rung, performance.now());
				this.settle();
			},
		};
		if (rung === 'ws') return openSocket(this.address('live'), this.token, told);
		if (rung === 'sse') return openEvents(this.address('stream'), this.headers(), told);
		return openMotionJpeg(this.address('live.mjpeg'), this.headers(), told);
	}

	// --- news ---

	private async poll(): Promise<void> {
		while (!this.ended) {
			await pause(POLL_MS);
			if (!this.locked && (this.ladder.polls(performance.now()) || this.ladder.lacksNews)) await this.pollOnce();
		}
	}

	private async pollOnce(): Promise<void> {
		const { ladder } = this;
		let ok = false;
		try {
			const answer = await fetch(this.address('status'), {
				headers: this.headers(),
				cache: 'no-store',
				signal: limit(SILENCE_MS),
			});
			if (answer.status === 401) return this.lock();
			const text = await answer.text();
			ok = answer.ok;
			if (ok) this.take(text, ladder.runs ?? 'poll');
		} catch {
			// no answer in time
		}
		ladder.polled(ok, performance.now());
		this.settle();
	}

	private take(data: string, rung: Rung): void {
		let news: News;
		try {
			news = JSON.parse(data) as News;
		} catch {
			return; // cut short on the way: the next one puts it right
		}
		const isAnew = news.hello !== undefined && news.hello.run !== this.run;
		if (this.ended || (news.now_us < this.told_us && !isAnew)) return; // one that was faster had all of it
		this.told_us = news.now_us;
		if (rung !== this.ran) this.clock.begin();
		this.ran = rung;
		this.clock.hear(news.now_us, performance.now());
		if (news.hello && isAnew) {
			this.run = news.hello.run;
			this.got = 0; // a monitor that started anew counts from 1 again
			this.waiting = null;
		}
		this.onNews(news);
		if (!news.frame) return;
		this.wanted = news.frame.number;
		void this.fetchPictures();
	}

	// --- pictures ---

	/** Those that nothing brings: one at a time, always the newest: a slow way costs pictures, never time. */
	private async fetchPictures(): Promise<void> {
		if (this.fetching) return;
		this.fetching = true;
		while (!this.ended && this.wanted > this.got && (this.ladder.runs === 'sse' || this.ladder.polls(performance.now()))) {
			try {
				await this.fetchPicture();
			} catch {
				break; // the next news tries again; meanwhile the old picture goes stale
			}
		}
		this.fetching = false;
	}

	private async fetchPicture(): Promise<void> {
		const { run } = this;
		const answer = await fetch(this.address('frame.jpg', { after: String(this.got) }), {
			headers: this.headers(),
			cache: 'no-store',
			signal: limit(SILENCE_MS),
		});
		if (answer.status === 204) {
			this.got = Math.max(this.got, this.wanted);
			return;
		}
		if (!answer.ok) throw new Error(`${answer.status}`);
		const number = Number(answer.headers.get('X-Train-Picture'));
		const trace = answer.headers.get('X-Train-Trace') ?? '';
		const at_us = instant(answer.headers.get('X-Train-At-Us'));
		const blob = await answer.blob();
		await this.show({ number, trace, at_us, blob, done: () => undefined }, run);
	}

	private arrive(picture: Arrived): void {
		this.waiting?.done();
		this.waiting = picture;
		if (!this.decoding) void this.decode();
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

	private async show(picture: Arrived, run: string): Promise<void> {
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
		if (bitmap && !this.ended) this.onPicture({ number, trace, at_us, bitmap });
		else bitmap?.close();
	}
}
