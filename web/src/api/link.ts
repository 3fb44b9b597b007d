/*
 * The link to the server: Server-Sent Events, and by itself something else where they don't come through.
 *
 * Security software on participants' machines has been seen to accept a stream and pass on nothing of it. So an open
 * stream proves nothing: only messages do. While the race runs the server speaks at least every 2 s; after 5 s of silence
 * the link polls every 2 s, still listening, and opens a new stream every 30 s. The first message ends the polling.
 */

import type { Standings } from './contract';

export type LinkState = 'connecting' | 'live' | 'polling' | 'reconnecting';

export const SILENCE_MS = 5_000;
export const POLL_MS = 2_000;
export const REOPEN_MS = 30_000;
const IDLE_POLL_MS = 15_000; // once the race is over
const FETCH_LIMIT_MS = 6_000;

/** What of the browser the link uses; a test hands in its own. */
export interface Rim {
	now(): number; // milliseconds, monotonic
	openStream(url: string): EventSource;
	fetchJson(url: string, limit_ms: number): Promise<unknown>;
	every(ms: number, f: () => void): () => void;
}

export const browserRim: Rim = {
	now: () => performance.now(),
	openStream: (url) => new EventSource(url),
	async fetchJson(url, limit_ms) {
		const abort = new AbortController();
		const timer = setTimeout(() => abort.abort(), limit_ms);
		try {
			const answer = await fetch(url, { cache: 'no-store', signal: abort.signal });
			if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
			return await answer.json();
		} finally {
			clearTimeout(timer);
		}
	},
	every(ms, f) {
		const timer = setInterval(f, ms);
		return () => clearInterval(timer);
	},
};

export class Link {
	private stream: EventSource | null = null;
	private opened_ms = 0;
	private heard_ms = 0; // last message of any stream, or the start
	private polled_ms = 0;
	private polling = false;
	private finished = false;
	private state: LinkState = 'connecting';
	private stop: (() => void) | null = null;

	constructor(
		private readonly onStandings: (standings: Standings) => void,
		private readonly onState: (state: LinkState) => void,
		private readonly rim: Rim = browserRim,
	) {}

	start(): void {
		this.heard_ms = this.rim.now();
		this.reopen();
		this.stop = this.rim.every(500, () => this.watch());
	}

	close(): void {
		this.stop?.();
		this.stream?.close();
		this.stream = null;
	}

	private reopen(): void {
		this.stream?.close();
		const stream = this.rim.openStream('./api/quest/stream');
		this.stream = stream;
		this.opened_ms = this.rim.now();
		stream.addEventListener('standings', (event) => {
			if (stream !== this.stream) return;
			const standings = parse((event as MessageEvent<string>).data);
			if (!standings) return;
			this.heard_ms = this.rim.now();
			this.deliver(standings, 'live');
		});
		stream.onerror = () => {
			if (stream === this.stream && this.state === 'live') this.say('reconnecting');
		};
	}

	private deliver(standings: Standings, state: LinkState): void {
		this.finished = standings.state === 'finished';
		this.say(state);
		this.onStandings(standings);
	}

	/** After the end nothing more is said: an open stream that has spoken may be silent then. */
	private contentWithSilence(): boolean {
		return this.finished && this.state === 'live' && this.stream?.readyState === 1;
	}

	private watch(): void {
		const now = this.rim.now();
		if (now - this.heard_ms < SILENCE_MS || this.contentWithSilence()) return;
		const closed = this.stream?.readyState === 2; // the browser gave up, as it does on a 503
		if (now - this.opened_ms >= (closed ? SILENCE_MS : REOPEN_MS)) this.reopen();
		const pause_ms = this.finished && this.state === 'polling' ? IDLE_POLL_MS : POLL_MS;
		if (!this.polling && now - this.polled_ms >= pause_ms) void this.poll(now);
	}

	private async poll(now: number): Promise<void> {
		this.polling = true;
		this.polled_ms = now;
		const heard_ms = this.heard_ms;
		try {
			const answer = await this.rim.fetchJson('./api/quest/standings', FETCH_LIMIT_MS);
			// A stream that spoke meanwhile is newer than this answer.
			if (heard_ms === this.heard_ms) this.deliver(answer as Standings, 'polling');
		} catch {
			if (heard_ms === this.heard_ms) this.say('reconnecting');
		} finally {
			this.polling = false;
		}
	}

	private say(state: LinkState): void {
		if (state === this.state) return;
		this.state = state;
		this.onState(state);
	}
}

function parse(text: string): Standings | null {
	try {
		return JSON.parse(text) as Standings;
	} catch {
		return null; // cut short on the way: the next one, or polling, puts it right
	}
}
