/*
 * The link to the monitor: its stream of events, read with fetch (an EventSource cannot send a token), and by itself
 * something else where it does not come through. The monitor speaks at least once a second, so silence means something:
 * after 3 s the stream is opened anew; one that was open and said nothing is swallowed on its way (security software does
 * that), and then the same news is polled.
 */

import type { LinkState } from '../api/link';
import type { News, Verb } from './contract';

export type TrainLinkState = LinkState | 'locked';

export const SILENCE_MS = 3_000;
export const RETRY_MS = 500;
export const POLL_MS = 250;
export const REOPEN_MS = 30_000;
const COMMAND_LIMIT_MS = 1_000;

/** Cuts a text/event-stream into the data of its events. Comments, and what is cut short, are passed over. */
export class EventCutter {
	private rest = '';

	push(text: string): string[] {
		const parts = (this.rest + text).split('\n\n');
		this.rest = parts.pop() ?? '';
		const found: string[] = [];
		for (const part of parts) {
			const data = part.split('\n').filter((line) => line.startsWith('data:'));
			if (data.length > 0) found.push(data.map((line) => line.slice(5).trimStart()).join('\n'));
		}
		return found;
	}
}

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
	bitmap: ImageBitmap;
}

export interface Answer {
	ok: boolean;
	id: string;
	reason: string; // empty where the monitor did not answer
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
	private heard_ms = -Infinity;
	private opened_ms = -Infinity;
	private abort: AbortController | null = null;
	private ended = false;
	private state: TrainLinkState = 'connecting';
	private token = '';
	private run = '';
	private wanted = 0; // number of the newest picture that there is
	private got = 0;
	private fetching = false;

	constructor(
		private readonly train: string, // its name; empty: the only one, or the first
		private readonly onNews: (news: News) => void,
		private readonly onPicture: (picture: Picture) => void,
		private readonly onState: (state: TrainLinkState) => void,
	) {
		this.token = sessionStorage.getItem('railquest.token') ?? '';
	}

	start(): () => void {
		void this.listen();
		void this.poll();
		const timer = setInterval(() => this.watch(), 500);
		return () => {
			this.ended = true;
			clearInterval(timer);
			this.abort?.abort();
		};
	}

	unlock(token: string): void {
		this.token = token.trim();
		sessionStorage.setItem('railquest.token', this.token);
		this.say('connecting');
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
			if (answer.status === 401) this.say('locked');
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

	private say(state: TrainLinkState): void {
		if (state === this.state) return;
		this.state = state;
		this.onState(state);
	}

	private async listen(): Promise<void> {
		while (!this.ended) {
			if (this.state !== 'locked') await this.stream();
			await pause(RETRY_MS);
		}
	}

	private async stream(): Promise<void> {
		this.abort = new AbortController();
		this.opened_ms = performance.now();
		this.clock.begin();
		const cutter = new EventCutter();
		try {
			const answer = await fetch(this.address('stream'), {
				headers: this.headers(),
				cache: 'no-store',
				signal: this.abort.signal,
			});
			if (answer.status === 401) return this.say('locked');
			if (!answer.ok || !answer.body) throw new Error(`${answer.status}`);
			const reader = answer.body.getReader();
			const decoder = new TextDecoder();
			for (;;) {
				const { done, value } = await reader.read();
				if (done) break;
				for (const data of cutter.push(decoder.decode(value, { stream: true }))) this.take(data, 'live');
			}
		} catch {
			// cut, refused, or aborted by the watch: tried again
		}
		if (this.state === 'live' || this.state === 'connecting') this.say('reconnecting');
	}

	/** A stream that is silent for too long is closed; `listen` opens the next one. */
	private watch(): void {
		const now = performance.now();
		const quiet_ms = now - Math.max(this.heard_ms, this.opened_ms);
		if (this.state === 'live' && now - this.heard_ms >= SILENCE_MS) this.say('reconnecting');
		// What is being polled goes on being polled; its stream gets longer to say something.
		if (quiet_ms >= (this.state === 'polling' ? REOPEN_MS : 2 * SILENCE_MS)) this.abort?.abort();
	}

	private async poll(): Promise<void> {
		while (!this.ended) {
			const swallowed = performance.now() - this.heard_ms >= SILENCE_MS && performance.now() - this.opened_ms >= SILENCE_MS / 2;
			if (this.state === 'polling' || (swallowed && this.state !== 'locked')) await this.pollOnce();
			await pause(POLL_MS);
		}
	}

	private async pollOnce(): Promise<void> {
		const heard_ms = this.heard_ms;
		try {
			const answer = await fetch(this.address('status'), {
				headers: this.headers(),
				cache: 'no-store',
				signal: limit(SILENCE_MS),
			});
			if (answer.status === 401) return this.say('locked');
			if (!answer.ok) throw new Error(`${answer.status}`);
			// A stream that spoke meanwhile is newer than this answer.
			const text = await answer.text();
			if (heard_ms === this.heard_ms) this.take(text, 'polling');
		} catch {
			if (heard_ms === this.heard_ms) this.say('reconnecting');
		}
	}

	private take(data: string, state: 'live' | 'polling'): void {
		let news: News;
		try {
			news = JSON.parse(data) as News;
		} catch {
			return; // cut short on the way: the next one puts it right
		}
		const now = performance.now();
		if (state === 'live') this.heard_ms = now;
		this.clock.hear(news.now_us, now);
		this.say(state);
		if (news.hello && news.hello.run !== this.run) {
			this.run = news.hello.run;
			this.got = 0; // a monitor that started anew counts from 1 again
		}
		this.onNews(news);
		if (!news.frame) return;
		this.wanted = news.frame.number;
		void this.fetchPictures();
	}

	/** One at a time, always the newest: a slow way costs pictures, never time. */
	private async fetchPictures(): Promise<void> {
		if (this.fetching) return;
		this.fetching = true;
		while (!this.ended && this.wanted > this.got) {
			try {
				await this.fetchPicture();
			} catch {
				break; // the next news tries again; meanwhile the old picture goes stale
			}
		}
		this.fetching = false;
	}

	private async fetchPicture(): Promise<void> {
		const answer = await fetch(this.address('frame.jpg', { after: String(this.got) }), {
			headers: this.headers(),
			cache: 'no-store',
			signal: limit(SILENCE_MS),
		});
		if (answer.status === 204) {
			this.got = this.wanted;
			return;
		}
		if (!answer.ok) throw new Error(`${answer.status}`);
		const number = Number(answer.headers.get('X-Train-Picture'));
		const trace = answer.headers.get('X-Train-Trace') ?? '';
		const blob = await answer.blob();
		this.got = number;
		this.onPicture({ number, trace, bitmap: await createImageBitmap(blob) });
	}
}
